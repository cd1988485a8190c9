// Reads the documents against the project: links that lead nowhere, modules that nothing explains, a README that leaves out the basics.
// This type may store results and not publish; the sidecar announces what it stores as `agent_completed`.
import { folderOf, isMarkdown, stemOf } from './analysis/files.mjs'
import { bounded, count, readProject } from './analysis/project.mjs'
import { headingsIn, linksIn } from './analysis/markdown.mjs'
import { checkLink } from './analysis/links.mjs'
import { readEarlierWork } from './earlier-work.mjs'

const README_SECTIONS = {
  install: /install|set.?up|getting.started|quick.?start|requirements|download/i,
  usage: /usage|\buse\b|using|example|getting.started|quick.?start|how.to|\brun(ning)?\b|tutorial/i,
  license: /licen[cs]/i
}

// Made to be wrong, or somebody else's.
const SAMPLE = /(^|\/)(fixtures?|testdata|vendor|third_party)\//
const PROSE = /\.(md|mdx|markdown|rst|adoc|txt)$/i
// `lib` and the like name a place, and what is private needs no document.
const NAMELESS = /^(\.|src|lib|app|main|source|java|pkg|packages)$/
const PRIVATE = /(^|\/)(_(?!_init__)|internal|private)/

export default async function documentationExpert (sidecar) {
  await sidecar.say('waiting for architecture_defined', 0)
  const event = await sidecar.waitFor('architecture_defined')
  const began = performance.now()
  await sidecar.say(`woken by ${event.event_id}`, 0.2)
  const { work, warnings } = await readEarlierWork(sidecar, ['chief-architect'])
  const project = readProject(await sidecar.context())
  warnings.push(...project.gaps('Markdown documents', isMarkdown))
  const documents = project.seen.filter((file) => isMarkdown(file.path) && !SAMPLE.test(file.path))

  await sidecar.say(`reading ${count(documents.length, 'document')}`, 0.5)
  const { dead, checked, unknown } = checkLinks(documents, project)
  if (unknown > 0) warnings.push(`${count(unknown, 'relative link')} could not be judged from the paths in the context`)
  const undocumented = findUndocumented(work['chief-architect']?.artifacts.module_map, project)
  const readme = judgeReadme(project, warnings)

  const stored = await sidecar.store({
    status: 'success',
    decisions: decide({ documents, dead, checked, undocumented, readme }),
    metrics: {
      documents: documents.length,
      links_checked: checked,
      dead_links: dead.length,
      undocumented: undocumented.length,
      readme_sections_missing: readme.missing.length,
      duration_ms: Math.round(performance.now() - began)
    },
    artifacts: {
      builds_on: work['chief-architect']?.id ?? null,
      dead_links: bounded(dead, 200, 'dead links', warnings),
      undocumented,
      readme
    },
    warnings,
    next_steps: [
      ...dead.slice(0, 5).map((link) => `Mend ${link.path}${link.line ? `:${link.line}` : ''}, which links to ${link.target}`),
      ...undocumented.slice(0, 3).map((module) => `Describe ${module.module} (${module.reason})`),
      ...readme.missing.map((section) => `Add a section on ${section} to ${readme.path ?? 'a README'}`)
    ]
  })
  await sidecar.say(`stored ${stored.id}: ${count(dead.length, 'dead link')}, ${count(undocumented.length, 'undocumented module')}`, 1)
}

function checkLinks (documents, project) {
  const dead = []
  let checked = 0
  let unknown = 0
  for (const document of documents) {
    for (const { target, line } of linksIn(document.content)) {
      const { state, path, otherCase } = checkLink(document.path, target, project)
      if (path !== undefined) checked++
      if (state === 'unknown' && path !== undefined) unknown++
      if (state !== 'dead') continue
      const detail = otherCase ? `the file is named ${otherCase}` : `there is no ${path} in the project`
      // A shortened document has other line numbers than the file.
      dead.push({ path: document.path, line: document.whole ? line : null, target, detail })
    }
  }
  return { dead, checked, unknown }
}

/** Public modules of the architect's map that no document mentions by path or by name. */
function findUndocumented (map, project) {
  const documents = project.seen.filter((file) => PROSE.test(file.path))
  // That no document is in the context says nothing about those that the project has.
  if (documents.length === 0 && project.files.some((file) => PROSE.test(file.path))) return []
  const text = documents.map((document) => document.content).join('\n').toLowerCase()
  const chosen = (map?.attention ?? []).map(({ path, reason }) => ({ module: path, reason }))
  const sources = (map?.modules ?? []).filter((module) => module.role === 'source')
    .map(({ path, files }) => ({ module: path, reason: count(files, 'file') }))
  const all = new Map([...sources, ...chosen].map((part) => [part.module, part]))
  return [...all.values()].filter(({ module }) => !PRIVATE.test(module) && !NAMELESS.test(nameOf(module)) && !mentions(text, module))
}

function mentions (text, module) {
  const name = nameOf(module).toLowerCase()
  return text.includes(module.toLowerCase()) || new RegExp(`(^|[^a-z0-9])${name.replace(/\W/g, '\\$&')}($|[^a-z0-9])`).test(text)
}

/** The word a reader knows a module by; Python's `__init__` stands for its folder. */
function nameOf (module) {
  const name = stemOf(module)
  return name === '__init__' ? stemOf(folderOf(module)) : name
}

function judgeReadme (project, warnings) {
  const path = project.files.map((file) => file.path).find((one) => /^(\.github\/|docs\/)?readme(\.(md|markdown|rst|txt|adoc))?$/i.test(one))
  const sections = Object.keys(README_SECTIONS)
  if (path === undefined) return { path: null, checked: project.complete, missing: project.complete ? sections : [] }
  const content = project.contentOf(path)
  if (content === undefined || !isMarkdown(path)) {
    warnings.push(`${path} ${content === undefined ? 'was not in the context' : 'is not Markdown'}, so its sections were not checked`)
    return { path, checked: false, missing: [] }
  }
  const headings = headingsIn(content)
  return { path, checked: true, missing: sections.filter((section) => !headings.some((heading) => README_SECTIONS[section].test(heading))) }
}

function decide ({ documents, dead, checked, undocumented, readme }) {
  const broken = new Set(dead.map((link) => link.path)).size
  const looked = `${count(checked, 'relative link')} in ${count(documents.length, 'document')}`
  return [
    dead.length > 0
      ? `${looked} checked: ${dead.length} dead, in ${count(broken, 'document')}; first ${dead[0].path} to ${dead[0].target}.`
      : `${looked} checked: none is dead.`,
    undocumented.length > 0
      ? `No document mentions ${undocumented.slice(0, 5).map((part) => part.module).join(', ')}: ${undocumented.length} of the architect's modules.`
      : 'No public module of the architect was found that the documents pass over.',
    readme.checked && describeReadme(readme)
  ].filter(Boolean)
}

function describeReadme ({ path, missing }) {
  if (path === null) return 'The project has no README.'
  return missing.length > 0 ? `${path} has no heading for ${missing.join(', ')}.` : `${path} has headings for installation, use and licence.`
}
