import { parseJson, textOf, textsOf, type ManifestFacts } from './manifest.js'
import { readTable } from './npm.js'

export function readComposer (text: string): ManifestFacts {
  const { name, version, require, 'require-dev': development, bin } = parseJson(text)
  return { name: textOf(name), version: textOf(version), dependencies: [...readTable(require, 'prod'), ...readTable(development, 'dev')], entryPoints: textsOf(bin) }
}
