import { rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { languageOf, PROGRAMMING_LANGUAGES } from '../../../core/project/languages.js'
import { findStale, trackedFiles } from '../disk.js'
import { difference, median, most, plain } from '../figures.js'
import { timeToRemake } from '../remake.js'
import { answerOf, untilComplete, type Query, type Session } from '../session.js'
import { BUDGETS, expect, FIRST, ISSUE, roundsFor, SMALL, TITLE, warmUp, WHOLE, type Subject } from './subject.js'

const NEW_FILE = 'cco-speed-new.ts'
const EDITABLE_BYTES = 50_000

/** Edits files and compares each answer with the disk. */
export async function measureEdits (subject: Subject, session: Session): Promise<void> {
  const { root, plan } = subject
  const known = new Set([...await trackedFiles(root), NEW_FILE])
  const issue = 'issue-edits'
  let answers = 0
  let stale = 0
  const look = async (query: Query, what: string, isThere: (paths: ReadonlySet<string>) => boolean): Promise<void> => {
    const reply = await session.get(issue, query)
    const { context: { relevant_files: files } } = answerOf(reply)
    const wrong = findStale(root, known, files)
    if (!isThere(new Set(files.map(({ path }) => path)))) wrong.push('what is listed')
    answers++
    if (wrong.length > 0) stale++
    expect(subject, wrong.length === 0, `After ${what} the answer was not what is on the disk: ${wrong.join(', ')}.`)
  }
  const target = answerOf(await untilComplete(session, ISSUE, WHOLE)).context.relevant_files.find(({ path, truncation, content }) =>
    known.has(path) && truncation === 'none' && content.length < EDITABLE_BYTES && PROGRAMMING_LANGUAGES.has(languageOf(path) ?? ''))?.path
  if (target === undefined) throw new Error('No answer has a whole file in a programming language that could be edited.')
  await session.tell(issue, TITLE, [target, NEW_FILE])
  const file = join(root, target)
  const original = await readFile(file)
  try {
    for (const [index, [name, query]] of BUDGETS.entries()) {
      subject.say(`edits, ${name}`)
      let { etag } = await untilComplete(session, issue, query)
      const rebuilt: number[] = []
      const remade: number[] = []
      const edit = async (text: string): Promise<number> => {
        rebuilt.push((await session.inject(issue, { ...query, fresh: true })).milliseconds)
        writeFileSync(file, Buffer.concat([original, Buffer.from(`// ${text}\n`)]))
        const answer = await session.inject(issue, query)
        expect(subject, answer.status === 200 && answer.etag !== etag, 'An edit did not change the tag of the answer.')
        etag = answer.etag
        remade.push(await timeToRemake(root, target))
        return answer.milliseconds
      }
      const edited: number[] = []
      const blocked = await session.watchLoop(async () => {
        const first = await warmUp(subject, async (round) => await edit(`warm-up ${round} of ${name}`))
        if (index === 0) subject.figures.push(plain(`the first ${FIRST} edits of a server, ${name}`, median(first), 'ms'))
        rebuilt.length = remade.length = 0
        for (let round = 0; round < roundsFor(plan.edits, first); round++) {
          edited.push(await edit(`round ${round} of ${name}`))
          await look(query, 'an edit', (paths) => paths.has(target))
        }
      })
      subject.loop.push({ by: `edits, ${name}`, ...blocked })
      subject.figures.push(
        difference(`one file changed, ${name} − that file read, cleaned, parsed and counted from nothing`, edited, remade, { aim: most(5) }),
        difference(`one file changed, ${name} − a build with nothing changed`, edited, rebuilt)
      )
    }
    const size = original.length
    writeFileSync(file, Buffer.alloc(size, 'a\n'))
    await look(SMALL, 'an edit that keeps the size', (paths) => paths.has(target))
    const stale304 = await session.get(issue, SMALL, { 'if-none-match': (await session.get(issue, SMALL)).etag })
    expect(subject, stale304.status === 304, `An answer that the agent has already came again with ${stale304.status}.`)
    writeFileSync(file, Buffer.alloc(size, 'b\n'))
    const changed = await session.get(issue, SMALL, { 'if-none-match': stale304.etag })
    expect(subject, changed.status === 200, `After an edit an old tag was answered with ${changed.status}.`)
    rmSync(file)
    await look(SMALL, 'a file was deleted', (paths) => !paths.has(target))
    writeFileSync(join(root, NEW_FILE), 'export const added = 1\n')
    await look(SMALL, 'a file was added', (paths) => paths.has(NEW_FILE))
    rmSync(join(root, NEW_FILE))
    await look(SMALL, 'the added file was deleted', (paths) => !paths.has(NEW_FILE))
  } finally {
    rmSync(join(root, NEW_FILE), { force: true })
    writeFileSync(file, original)
  }
  subject.figures.push(plain('stale answers', stale, '', { aim: most(0), note: `of ${answers} that were compared with the disk` }))
  await untilComplete(session, ISSUE, SMALL)
}
