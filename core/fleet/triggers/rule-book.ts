import { join } from 'node:path'
import { codeOf, messageOf, startError } from '../../errors.js'
import { readPlainFile } from '../../plain-file.js'
import { checkAgentTypes, parseRules, type Rule, type TriggerSource } from './definition.js'

export interface RuleBookProject {
  root: string
  /** Its own file counts only then. */
  isTrusted: boolean
  agentTypes: readonly string[]
  /** Of the configuration. */
  sources: readonly TriggerSource[]
}

/** The rules of a project: of the configuration, and of its own `.cco/triggers.json`. Throws `SIDECAR_ERR_CONFIG_INVALID` or `_UNREADABLE`. */
export function readRules ({ root, isTrusted, agentTypes, sources }: RuleBookProject): Rule[] {
  const file = join(root, '.cco', 'triggers.json')
  const own = isTrusted ? readSource(file) : undefined
  const all = own === undefined ? sources : [...sources, own]
  for (const source of all) checkAgentTypes(parseRules([source]), source.origin, agentTypes)
  return parseRules(all)
}

function readSource (file: string): TriggerSource | undefined {
  let text: string
  try {
    text = readPlainFile(file)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw startError('SIDECAR_ERR_CONFIG_UNREADABLE', `The triggers ${file} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
  try {
    return { origin: file, value: JSON.parse(text) }
  } catch (error) {
    throw startError('SIDECAR_ERR_CONFIG_INVALID', `The triggers ${file} are no valid JSON: ${messageOf(error)}.`, { cause: error })
  }
}
