// The names that a source file imports, as they are written in it.

const JAVASCRIPT = [
  /^[ \t]*(?:import|export)\b[^'"`;]{0,2000}?\bfrom\s*['"]([^'"\n]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"\n]+)['"]/gm,
  /(?<![.\w])(?:import|require)\s*\(\s*['"]([^'"\n]+)['"]\s*\)/g
]
const JVM = [/^[ \t]*import\s+(?:static\s+)?([\w.]+)/gm]
const C = [/^[ \t]*#[ \t]*include[ \t]*([<"][^>"\n]+)[>"]/gm]

const PATTERNS = {
  javascript: JAVASCRIPT,
  typescript: JAVASCRIPT,
  vue: JAVASCRIPT,
  svelte: JAVASCRIPT,
  java: JVM,
  kotlin: JVM,
  scala: JVM,
  c: C,
  cpp: C,
  ruby: [/^[ \t]*require(_relative)?\s*\(?\s*['"]([^'"\n]+)['"]/gm],
  dart: [/^[ \t]*(?:import|export)\s+['"]([^'"\n]+)['"]/gm]
}

/** Distinct specifiers. C's keep their opening bracket, Ruby's relative ones get `./`, Rust's `mod x` is `self::x`. */
export function importsIn (content, language) {
  return [...new Set(specifiers(content, language))]
}

function specifiers (content, language) {
  if (language === 'python') return pythonImports(content)
  if (language === 'go') return goImports(content)
  if (language === 'rust') return rustImports(content)
  if (language === 'ruby') return [...content.matchAll(PATTERNS.ruby[0])].map(([, relative, name]) => relative ? `./${name}` : name)
  const code = withoutCommentLines(content)
  return (PATTERNS[language] ?? []).flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1]))
}

function withoutCommentLines (content) {
  return content.replace(/^[ \t]*(\/\/|\/?\*).*$/gm, '')
}

/** `from .a import b` gives both `.a` and `.a.b`: `b` may be a name in `a` or a file of the package. */
function pythonImports (content) {
  const names = []
  for (const [, list] of content.matchAll(/^[ \t]*import[ \t]+([\w., \t]+)/gm)) {
    names.push(...list.split(',').map((name) => name.trim().split(/\s/)[0]).filter(Boolean))
  }
  for (const [, from, several, one] of content.matchAll(/^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(?:\(([^)]{0,4000})\)|([\w, \t]+))/gm)) {
    names.push(from)
    const imported = (several ?? one).replace(/#.*$/gm, '').split(',').map((name) => name.trim().split(/\s/)[0])
    names.push(...imported.filter((name) => /^\w+$/.test(name)).map((name) => from.endsWith('.') ? `${from}${name}` : `${from}.${name}`))
  }
  return names
}

function goImports (content) {
  const blocks = [...content.matchAll(/^import\s*\(([^)]{0,10000})\)/gm)].map((match) => match[1])
  const single = [...content.matchAll(/^import\s+(?:[\w.]+\s+)?"[^"\n]+"/gm)].map((match) => match[0])
  return [...blocks, ...single].flatMap((text) => [...text.replace(/\/\/.*$/gm, '').matchAll(/"([^"\n]+)"/g)].map((match) => match[1]))
}

/** `use a::{b, c::d};` gives `a::b` and `a::c::d`; deeper nesting is flattened to its first level. */
function rustImports (content) {
  const code = withoutCommentLines(content)
  const names = [...code.matchAll(/^[ \t]*(?:pub(?:\([^)\n]*\))?\s+)?mod\s+(\w+)\s*;/gm)].map((match) => `self::${match[1]}`)
  for (const [, path] of code.matchAll(/^[ \t]*(?:pub(?:\([^)\n]*\))?\s+)?use\s+([^;]{1,2000});/gm)) {
    const [, prefix, group] = /^(.*?)(?:::\s?\{(.*))?$/.exec(path.replace(/\s+/g, ' '))
    if (group === undefined) {
      names.push(prefix.split(' ')[0])
      continue
    }
    const members = group.split(/[{},]/).map((name) => name.trim().split(' ')[0].replace(/::$/, ''))
    names.push(...members.filter((name) => /^\w/.test(name)).map((name) => name === 'self' ? prefix : `${prefix}::${name}`))
  }
  return names
}
