import { wordsOf } from './words.js'

/** What an issue would have said: the message of a commit without what only a commit has. */
export interface Wish {
  title: string
  description: string
}

const TYPES = 'feat|feature|fix|bugfix|hotfix|docs?|refactor|perf|tests?|build|ci|chore|types?|improvement|deps|wip|style|revert|release'
const CONVENTIONAL = new RegExp(`^([*-]\\s+)?(?:${TYPES})(?:\\(([^)]*)\\))?!?:\\s*`, 'i')
const TRAILER = /^\s*(?:[a-z][\w-]*-by|cc|change-id|git-svn-id|piperorigin-revid|see-also|backport-of)\s*:\s|^\s*\(cherry picked from commit /i
const URL = /<?\b(?:https?:\/\/|www\.)[^\s<>()[\]]+>?/gi
const EMAIL = /<[^<>\s@]+@[^<>\s]+>/g
const REFERENCE = /(?:[\w.-]+\/[\w.-]+)?#\d+|\bGH-\d+/gi
/** Stands where something was taken out, until what led up to it has gone, too. Git allows no NUL in a message. */
const GAP = '\0'
const LEADING_TO_A_GAP = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?|ref(?:s|erences)?|see|issues?|pr|pull request|follow[ -]?up (?:on|to|of)|relates to)\b:?\s*\0(?:\s*(?:,|and|&)?\s*\0)*/gi

/** Subjects of commits that carry out no wish: releases, new versions of dependencies, what a tool has written. */
const UNSUITABLE: readonly (readonly [RegExp, string])[] = [
  [/^\w+\([^)]*\bdeps?\b[^)]*\)!?:|^(?:deps|build\(deps[^)]*\))!?:/i, 'dependencies'],
  [/^(?:\w+(?:\([^)]*\))?!?:\s*)?(?:bump(?:s|ed)?|upgrade[sd]?|update[sd]?)\b.*\b(?:from\s+v?\d\S*\s+to|dependenc(?:y|ies)|lock ?files?|to v?\d+\.\d)/i, 'dependencies'],
  [/^(?:\w+(?:\([^)]*\))?!?:\s*)?(?:bump(?:s|ed)?)\b/i, 'a version'],
  [/^(?:\[[\w.-]+\]\s*)?(?:\w+(?:\([^)]*\))?!?:\s*)?(?:prepare |cut |make |publish )?(?:for )?(?:a |the )?(?:new |next )?releas(?:e|es|ing)\b/i, 'a release'],
  [/^(?:chore|build|ci)?\(?release\)?!?:/i, 'a release'],
  [/^(?:\w+(?:\([^)]*\))?!?:\s*)?(?:set |begin |start )?(?:new |next )?(?:version|v)?\s*v?\d+\.\d+[\w.+-]*(?:\s+(?:release|development))?\.?(?:\s*\(#\d+\))?$/i, 'a version'],
  [/^(?:start|begin)\s+(?:development|version|v?\d)/i, 'a version'],
  [/^(?:\w+(?:\([^)]*\))?!?:\s*)?(?:bump|upgrade|update)s?\b.*\bdeps\b|^:?arrow_(?:up|down):/i, 'dependencies'],
  [/^(?:\w+(?:\([^)]*\))?!?:\s*)?(?:changelog|release notes)\b/i, 'a release'],
  [/^revert\b/i, 'a revert'],
  [/^merge\b/i, 'a merge'],
  [/^style(?:\([^)]*\))?!?:/i, 'formatting'],
  [/^(?:\w+(?:\([^)]*\))?!?:\s*)?(?:(?:run|apply|appl(?:y|ied)|use|fix)\s+)?(?:prettier|rustfmt|gofmt|go fmt|black|isort|ruff format|cargo fmt|clang-format|eslint --fix|pre-?commit|pyupgrade|reformat(?:ted|ting)?|format(?:ted|ting)?)(?:\s+(?:the\s+)?(?:code|files?|source|everything|fix(?:es)?|updates?|autoupdate))?\.?(?:\s*\(#\d+\))?$/i, 'formatting'],
  [/^\[pre-commit\.ci\]/i, 'formatting']
]

/** Why a commit of this message asks for nothing that files could be chosen for; `undefined` where it does. */
export function unsuitableSubject (message: string): string | undefined {
  const subject = message.trimStart().split('\n', 1)[0]!.trim()
  return UNSUITABLE.find(([pattern]) => pattern.test(subject))?.[1]
}

function clean (text: string): string {
  return text
    .replace(CONVENTIONAL, (_prefix, bullet: string | undefined, scope: string | undefined) => `${bullet ?? ''}${scope === undefined ? '' : `${scope} `}`)
    .replace(URL, GAP)
    .replace(EMAIL, GAP)
    .replace(REFERENCE, GAP)
    .replace(LEADING_TO_A_GAP, GAP)
    .replace(/[([]\s*\0[\s\0,;&]*[)\]]/g, GAP)
    .replace(/^[\s\0,;:.-]*\0[\s\0,;:.]*|[\s\0,;:]*\0[\s\0,;:]*$/g, '')
    .replace(/\s*\0[\s\0]*([.,;:!?)])?/g, (_gap, sign: string | undefined) => sign ?? ' ')
    .trim()
}

/** Title and description without trailers, addresses, numbers of pull requests and issues, and the type of a conventional commit. */
export function cleanMessage (message: string): Wish {
  const [subject = '', ...body] = message.replace(/\r\n?/g, '\n').trim().split('\n')
  const title = clean(subject)
  const description = body
    .filter((line) => !TRAILER.test(line))
    .map(clean)
    .filter((line) => /[\p{L}\p{N}]/u.test(line) || line === '')
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
  return { title, description }
}

/** The distinct words of a wish that could tell one file from another. */
export function contentWords ({ title, description }: Wish): string[] {
  return [...new Set(wordsOf(`${title}\n${description}`))].filter((word) => !STOP_WORDS.has(word) && word.length > 2 && /\p{L}/u.test(word))
}

const STOP_WORDS = new Set(('about after all also and any are because been before but can could does each for from had has have here how into its just let ' +
  'like make may more most must not now off one only other our out over same should some such than that the their them then there these they this those ' +
  'through too under until use used using very was way were what when where which while who will with would you your').split(' '))
