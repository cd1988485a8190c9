import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../errors.js'
import { check } from '../check.js'
import type { Check } from '../finding.js'

interface Key { kid?: unknown, private_pem?: unknown, public_pem?: unknown }

/** Whether what signs tokens can be read, and both halves of each key belong together. */
export const keys: Check = check('keys', async ({ settings: { storage } }) => {
  const file = join(storage, 'keys', 'keyring.json')
  const advice = 'Restore the file from a backup (cco restore), or remove it: then new keys are made and all tokens end.'
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [{ state: 'ok', text: 'There are no keys yet; the first start makes them.' }]
    throw error
  }
  const found = keysIn(text)
  if (found === undefined || found.length === 0) return [{ state: 'problem', text: `${file} holds no keys that can be read.`, advice }]
  const wrong = found.filter((key) => !belongTogether(key)).map(({ kid }) => String(kid))
  if (wrong.length > 0) return [{ state: 'problem', text: `${file}: the halves of ${wrong.join(', ')} do not belong together.`, advice }]
  return [{ state: 'ok', text: `${found.length} ${found.length === 1 ? 'key signs and verifies' : 'keys verify, and the first signs'}.` }]
})

function keysIn (text: string): Key[] | undefined {
  try {
    const { keys: list } = JSON.parse(text) as { keys?: unknown }
    return Array.isArray(list) ? list as Key[] : undefined
  } catch {
    return undefined
  }
}

function belongTogether ({ private_pem: privatePem, public_pem: publicPem }: Key): boolean {
  try {
    const sample = Buffer.from('sample')
    return verify('sha256', sample, createPublicKey(String(publicPem)), sign('sha256', sample, createPrivateKey(String(privatePem))))
  } catch {
    return false
  }
}
