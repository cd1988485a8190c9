import { linesOf, type ManifestFacts } from './manifest.js'

export function readGoMod (text: string): ManifestFacts {
  const lines = linesOf(text)
  return {
    name: lines.map((line) => /^module\s+"?([^\s"]+)/.exec(line)?.[1]).find((name) => name !== undefined) ?? null,
    dependencies: lines.flatMap((line) => {
      const match = /^\s*(?:require\s+)?([a-z0-9.-]+\.[a-z]+\/\S+)\s+(v\S+)/i.exec(line)
      return match === null ? [] : [{ name: match[1]!, version: match[2]!, kind: line.includes('// indirect') ? 'indirect' : 'prod' }]
    })
  }
}

export function readGoWork (text: string): ManifestFacts {
  const workspaces: string[] = []
  let inside = false
  for (const line of linesOf(text)) {
    const single = /^use\s+"?([^\s"()]+)/.exec(line)
    if (single !== null) workspaces.push(single[1]!)
    else if (/^use\s*\(/.test(line)) inside = true
    else if (/^\s*\)/.test(line)) inside = false
    else if (inside && line.trim() !== '' && !line.trim().startsWith('//')) workspaces.push(line.trim().split(/\s/, 1)[0]!)
  }
  return { dependencies: [], workspaces }
}
