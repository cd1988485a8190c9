// Finds functions, their length and how deep their control blocks nest, without a parser:
// by brackets where a language has them, by indentation in Python and Ruby.
import { blankText, lineAt, lineStarts } from './code-text.mjs'

const BY_INDENTATION = new Set(['python', 'ruby'])
const BY_KEYWORD = {
  go: /\bfunc\s*(?:\([^)]*\)\s*)?(\w*)/,
  rust: /\bfn\s+(\w+)/,
  kotlin: /\bfun\s+(?:<[^>]*>\s*)?(?:\w+\.)?(\w+)/,
  swift: /\b(?:func\s+(\w+)|init)/,
  scala: /\bdef\s+(\w+)/
}
// Words before parentheses that are no function's name; `await` is that of `for await (`.
const CONTROL = new Set('if for while switch catch with await foreach using lock elseif synchronized match unless when'.split(' '))
const BLOCK_WORD = /(?:^|[;{}\n])[ \t]*(?:\}[ \t]*)?(if|for|while|switch|catch|try|else|do|finally|loop|match|select|when|guard|unsafe)\b[^;{}]*$/
const BEHIND_PARAMETERS = /^\s*(?::[^=;{}]*|throws\s[\w.,\s]+|(?:const|noexcept|override|final|async|sync|\s|\*)*)(?:=>)?\s*$/

/** Each function as `{ name, line, lines, depth }`, in the order in which they end. */
export function functionsIn (content, language) {
  const code = blankText(content, language)
  return BY_INDENTATION.has(language) ? indentedFunctions(code) : bracedFunctions(code, language)
}

function bracedFunctions (code, language) {
  const starts = lineStarts(code)
  const found = []
  const blocks = []
  const open = []
  const openingOf = new Map()
  for (let i = 0; i < code.length; i++) {
    const character = code[i]
    if (character === '(') open.push(i)
    else if (character === ')') openingOf.set(i, open.pop())
    else if (character === '{') {
      const block = classify(code, i, openingOf, language)
      blocks.push(block.kind === 'function' ? { ...block, depth: 0 } : nested(block, blocks.at(-1)))
    } else if (character === '}') {
      const block = blocks.pop()
      if (block?.kind !== 'function') continue
      const line = lineAt(starts, block.start)
      found.push({ name: block.name, line, lines: lineAt(starts, i) - line + 1, depth: block.depth })
    }
  }
  return found
}

/** A block knows the function around it and how many control blocks lie between; the function keeps the deepest. */
function nested (block, outer) {
  const around = outer?.kind === 'function' ? outer : outer?.around
  const level = (outer?.level ?? 0) + (block.kind === 'control' ? 1 : 0)
  if (around) around.depth = Math.max(around.depth, level)
  return { ...block, around, level }
}

/** What kind of block the brace at `brace` opens, from the text before it. */
function classify (code, brace, openingOf, language) {
  const before = code.slice(Math.max(0, brace - 300), brace)
  const arrow = /(?:([\w$]+)\s*[=:]\s*)?(?:async\s+)?[\w$]+\s*=>\s*$/.exec(before)
  if (arrow) return { kind: 'function', name: arrow[1] ?? 'anonymous', start: brace }
  const signature = findSignature(code, brace, before, openingOf, language)
  if (signature) return signature
  return BLOCK_WORD.test(before) ? { kind: 'control' } : { kind: 'other' }
}

function findSignature (code, brace, before, openingOf, language) {
  const tail = /\)([^();{}]*)$/.exec(before)
  if (!tail) return undefined
  let opening = openingOf.get(brace - before.length + tail.index)
  const keyword = BY_KEYWORD[language]
  // Go returns tuples: `func name (a int) (int, error) {`.
  const behindOther = opening !== undefined && /\)\s*$/.test(code.slice(Math.max(0, opening - 3), opening))
  if (keyword && behindOther) opening = openingOf.get(code.lastIndexOf(')', opening)) ?? opening
  if (opening === undefined) return undefined
  const head = code.slice(Math.max(code.lastIndexOf('\n', opening) + 1, opening - 200), opening)
  if (keyword) {
    const match = keyword.exec(`${head}${code.slice(opening, brace)}`)
    return match ? { kind: 'function', name: match[1] || 'anonymous', start: opening } : undefined
  }
  // Between the parameters and the brace there may be a return type, an arrow or modifiers, never a statement.
  if (!BEHIND_PARAMETERS.test(tail[1])) return undefined
  if (tail[1].includes(':') && (language === 'javascript' || /\?[^.]*$/.test(head))) return undefined // `a ? f(b) : {}`
  const word = /([\w$#]+)\s*(?:<[^<>]*>)?\s*$/.exec(head)?.[1]
  if (word !== undefined && CONTROL.has(word)) return { kind: 'control' }
  if (/=>\s*$/.test(tail[1])) return { kind: 'function', name: arrowName(head), start: opening }
  if (word === undefined || /\bnew\s+[\w$.<>]+\s*$/.test(head) || /^\s*(else\s+)?(if|while|for)\b/.test(head)) return undefined
  return { kind: 'function', name: word === 'function' ? /([\w$]+)\s*[=:]\s*(?:async\s+)?function\s*$/.exec(head)?.[1] ?? 'anonymous' : word, start: opening }
}

/** `const name: Type = async (` and `name: (`. */
function arrowName (head) {
  return (/\b(?:const|let|var)\s+([\w$]+)[^=]*=\s*(?:async\s*)?$/.exec(head) ?? /([\w$]+)\s*[=:]\s*(?:async\s*)?$/.exec(head))?.[1] ?? 'anonymous'
}

function indentedFunctions (code) {
  const lines = code.split('\n')
  const found = []
  const around = []
  const close = (indent, last) => {
    while (around.length > 0 && around.at(-1).indent >= indent) {
      const block = around.pop()
      if (block.name) found.push({ name: block.name, line: block.line, lines: last - block.line + 1, depth: block.depth })
    }
  }
  let last = 0
  let brackets = 0
  lines.forEach((text, index) => {
    const continued = brackets > 0
    brackets = Math.max(0, brackets + text.split(/[([{]/).length - text.split(/[)\]}]/).length)
    if (text.trim() === '') return
    const indent = text.search(/\S/)
    // The lines of a signature or call that is broken over several may stand further left; Ruby's `end` belongs to its block.
    if (!continued && !/^\s*end\b/.test(text)) close(indent, last)
    last = index + 1
    if (continued) return
    const name = /^\s*(?:async\s+)?def\s+(?:self\.)?(\w+[?!]?)/.exec(text)?.[1]
    if (name) around.push({ name, indent, line: index + 1, depth: 0 })
    else if (/^\s*(if|for|while|with|try|else|elif|except|async|match|case|unless|until|begin|rescue)\b/.test(text)) {
      around.push({ indent })
      const from = around.findLastIndex((block) => block.name)
      if (from >= 0) around[from].depth = Math.max(around[from].depth, around.length - 1 - from)
    }
  })
  close(0, last)
  return found
}
