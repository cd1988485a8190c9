import type { TestSidecar } from '../../support/sidecar.js'

/** Header and claims of a token, unchecked. */
export function decode (token: string): { header: Record<string, unknown>, payload: Record<string, unknown> } {
  const [header, payload] = token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>)
  return { header: header!, payload: payload! }
}

/** Whether a token lets somebody in. */
export async function works ({ ask }: Pick<TestSidecar, 'ask'>, token: string): Promise<boolean> {
  const { status, body } = await ask('GET', '/api/plugins', { token })
  if (status !== 200 && body.code !== 'AUTH_001') throw new Error(`Answered ${status} ${body.code}`)
  return status === 200
}
