import type { ManifestFacts } from './manifest.js'

/** The calls of a Package.swift that are written out; what it computes is unknown. */
export function readPackageSwift (text: string): ManifestFacts {
  return {
    name: /\bPackage\s*\(\s*name:\s*"([^"]{1,200})"/.exec(text)?.[1] ?? null,
    dependencies: text.split('.package(').slice(1).flatMap((part) => {
      const call = part.slice(0, 500)
      const url = /^[^)]{0,200}?url:\s*"([^"]+)"\s*,?\s*([^)]*)/.exec(call)
      if (url === null) return []
      const stated = url[2]!.replace(/\s+/g, ' ').replace(/^\.(\w+)\(/, '$1: ').trim()
      return [{ name: url[1]!, version: stated === '' ? null : stated.replaceAll('"', ''), kind: 'prod' }]
    })
  }
}
