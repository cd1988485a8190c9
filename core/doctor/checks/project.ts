import { join } from 'node:path'
import { messageOf } from '../../errors.js'
import { readProfiles } from '../../profiles/load.js'
import { check } from '../check.js'
import type { Check } from '../finding.js'

export const configuration: Check = check('configuration', async ({ configurationFault, ignored, root }) => {
  if (configurationFault !== null) return [{ state: 'problem', text: configurationFault, advice: 'Until then the checks below look at the defaults.' }]
  if (ignored.length === 0) return [{ state: 'ok', text: 'The configuration can be read, and all of it counts.' }]
  return [{ state: 'note', text: `${root} is not trusted, so this does not count: ${ignored.join(', ')}.`, advice: 'Read what it brings and trust it with cco trust.' }]
})

export const profiles: Check = check('profiles', async ({ root }) => {
  const folder = join(root, '.cco', 'agents')
  try {
    const { length } = await readProfiles(folder)
    return [{ state: 'ok', text: length === 0 ? 'The project brings no agent profiles of its own.' : `${length} agent profiles in ${folder} can be read.` }]
  } catch (error) {
    return [{ state: 'problem', text: messageOf(error), advice: 'Correct the file, or move it out of the folder.' }]
  }
})

export const plugins: Check = check('plugins', async ({ tryPlugins }) => {
  try {
    await tryPlugins()
    return [{ state: 'ok', text: 'Every plugin of the configuration can be made.' }]
  } catch (error) {
    return [{ state: 'problem', text: messageOf(error), advice: 'Correct it, or take it out of the configuration.' }]
  }
})
