import fc from 'fast-check'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import t from 'tap'
import { createRepository, git, writeFiles } from '../../support/repository.js'
import { startSidecar } from '../../support/sidecar.js'
import { temporaryFolder } from '../../support/temporary.js'

/** Code, prose and names that are hard to fit: long, escaped, in other scripts. */
function hardFiles (): Record<string, string> {
  const files: Record<string, string> = {
    'src/quo"te\nnew\u0001line\tname.py': 'x = 1\n',
    [`src/${'\u0001'.repeat(200)}.py`]: 'y = 2\n',
    'src/漢字漢字漢字漢字漢字漢字漢字漢字.py': '漢字'.repeat(4000),
    'src/tabs.py': '\t\t\t\n'.repeat(3000),
    'src/one_line.py': `data = "${'abc '.repeat(20_000)}"`,
    'src/emoji.py': '👩‍👩‍👧‍👦'.repeat(500),
    'src/escapes.py': '"\\\u0007'.repeat(2000),
    'pyproject.toml': `[project]\nname = "hard"\ndependencies = [${Array.from({ length: 300 }, (_, index) => `"package-${index}>=1.${index}"`).join(', ')}]\n`
  }
  for (let index = 0; index < 60; index++) {
    files[`src/module_${index % 7}/file_${index}.py`] = `"""Module ${index}"""\n` + Array.from({ length: 10 + index * 4 }, (_, line) => `# comment ${line}\ndef function_${index}_${line}(argument):\n    return "value" + str(argument)\n`).join('\n')
  }
  for (let index = 0; index < 15; index++) files[`docs/${'guide-'.repeat(index)}${index}.md`] = `# Title ${index}\n\n${'Some prose with words. '.repeat(40 * index)}`
  return files
}

interface File { path: string, content: string, size: number, truncation: string }
interface Line { path: string, included: boolean, reason: string, bytes: number }

t.test('no budget is ever exceeded, and nothing is cut in silence', async t => {
  const root = await temporaryFolder(t, 'cco-project')
  const files = hardFiles()
  await createRepository(root, files)
  await git(root, 'commit', '--quiet', '--allow-empty', '--message', `A book\n\n${'word '.repeat(5000)}`)
  await writeFiles(root, { 'src/module_1/file_1.py': `${'changed = True\n'.repeat(3000)}`, 'src/new.py': 'new = True\n' })
  const { ask, agent } = await startSidecar(t, { root, settings: { 'rate-limit-enabled': 'false' } })
  const { token, agent_id: id } = await agent('python-specialist')
  for (let round = 0; round < 60; round++) {
    const { status } = await ask('POST', '/api/results', { token, body: { agent_id: id, agent_type: 'python-specialist', issue_id: 'i-1', result: { status: 'success', decisions: [`Decision ${round}: ${'because '.repeat(30)}`] } } })
    if (status !== 201) t.fail(`result ${round} was answered with ${status}`)
  }

  let [answered, refused, cut] = [0, 0, 0]
  const budgets = fc.record({
    agent: fc.constantFrom('python-specialist', 'technical-writer', 'chief-architect', 'query-clarifier'),
    bytes: fc.option(fc.oneof(fc.integer({ min: 1, max: 6000 }), fc.integer({ min: 6000, max: 400_000 })), { nil: undefined }),
    tokens: fc.option(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 3000, max: 150_000 })), { nil: undefined }),
    task: fc.constantFrom(undefined, 'function_12 module_3', 'Title guide')
  })
  await fc.assert(fc.asyncProperty(budgets, async ({ agent, bytes, tokens, task }) => {
    const query = new URLSearchParams({ explain: 'true', ...(bytes === undefined ? {} : { max_bytes: String(bytes) }), ...(tokens === undefined ? {} : { max_tokens: String(tokens) }), ...(task === undefined ? {} : { task }) })
    const { status, body } = await ask('GET', `/api/context/i-1/${agent}?${query.toString()}`)
    if (status === 413) {
      refused++
      return body.code === 'CTX_002' && /takes \d+ bytes and \d+ tokens; raise max_bytes or max_tokens/.test(body.message)
    }
    answered++
    const text = JSON.stringify(body.context)
    const relevant = body.context.relevant_files as File[]
    const explanation = body.explanation as Line[]
    const ways = new Set((body.truncation_strategy as string).split('+'))
    if (body.truncated) cut++
    const problems: [string, boolean][] = [
      ['bytes', bytes === undefined || Buffer.byteLength(text) <= bytes],
      ['the bytes that it says', body.total_size_bytes === Buffer.byteLength(text)],
      ['tokens', tokens === undefined || body.token_count <= tokens],
      ['true tokens', tokens === undefined || countTokens(text) <= tokens],
      ['the tokens that it says', countTokens(text) <= body.token_count * 1.02],
      ['count', body.file_count === relevant.length],
      ['truncated', body.truncated === (body.truncation_strategy !== 'none')],
      ['ways to shrink are said', relevant.every(({ truncation }) => truncation === 'none' || ways.has(truncation))],
      ['no way is said that was not used', [...ways].every((way) => ['none', 'dropped', 'sections'].includes(way) || relevant.some(({ truncation }) => truncation === way))],
      ['whole files are whole', relevant.every(({ path, content, truncation }) => truncation !== 'none' || files[path] === undefined || path.includes('file_1.py') || content === files[path])],
      ['smaller files are smaller', relevant.every(({ path, content, truncation }) => truncation === 'none' || content.length < (files[path]?.length ?? Infinity))],
      ['included files are explained', relevant.every(({ path, truncation }) => explanation.some((line) => line.path === path && line.included && (truncation === 'none' || line.reason.includes(`${truncation} to fit`))))],
      ['dropped files are said', ways.has('dropped') === explanation.some((line) => line.reason.includes('no room left') || line.reason.includes('too-large'))],
      ['a cut tree is said', body.context.project_structure.files.length === body.context.project_structure.total_files || ways.has('sections')],
      ['cut results are said', body.context.previous_agent_outputs.length === 60 || ways.has('sections')],
      ['cut dependencies are said', body.context.metadata.dependencies.length === 300 || ways.has('sections')]
    ]
    const broken = problems.filter(([, holds]) => !holds).map(([name]) => name)
    if (broken.length > 0) throw new Error(`${broken.join(', ')} at ${JSON.stringify({ agent, bytes, tokens, task })}`)
    return true
  }), { numRuns: 30, seed: 1 })
  t.ok(answered > 20 && refused > 3 && cut > 15, `${answered} answers, ${cut} of them cut, ${refused} refusals`)
})

t.test('a first commit of thousands of files leaves room for files', async t => {
  const root = await temporaryFolder(t, 'cco-project')
  await createRepository(root, Object.fromEntries(Array.from({ length: 2500 }, (_, index) => [`packages/some-package-${index % 40}/source/file-number-${index}.py`, `value_${index} = ${index}\n`])))
  const { ask } = await startSidecar(t, { root })
  const { status, body } = await ask('GET', '/api/context/i-1/python-specialist')
  t.equal(status, 200)
  t.ok(body.token_count <= 48_000 && body.file_count > 80, `${body.file_count} files in ${body.token_count} tokens`)
  t.match(body.truncation_strategy, /sections/)
  const small = await ask('GET', '/api/context/i-1/python-specialist?max_tokens=2000')
  t.equal(small.status, 200)
  t.ok(small.body.file_count > 2)
})
