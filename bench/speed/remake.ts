import { languageOf } from '../../core/project/languages.js'
import { packRecord } from '../../core/project/worker/index/packed-record.js'
import { recordOf } from '../../core/project/worker/index/record.js'
import { countWords, wordSet } from '../../core/project/worker/index/terms.js'
import { shapeOf } from '../../core/project/worker/pack/shape.js'
import { prepareText } from '../../core/project/worker/prepare.js'
import { extractStructure } from '../../core/project/worker/symbols/symbols.js'

const MOST_BYTES = 10_000_000

/**
 * Time to read a file, take secrets out of it, parse it, and count its words and tokens, with nothing of it kept: what a change of it makes
 * necessary where all else is as it was. The sidecar itself keeps what it can of the text before.
 */
export async function timeToRemake (root: string, path: string): Promise<number> {
  const started = performance.now()
  const text = await prepareText(root, path, MOST_BYTES)
  if ('refused' in text) throw new Error(`${path} cannot be read: ${text.refused}.`)
  const { content, hash } = text
  const language = languageOf(path)
  const structure = await extractStructure(language, content)
  shapeOf(content, language, structure)
  packRecord(recordOf(hash, countWords(content), structure), wordSet([path]))
  return performance.now() - started
}
