import { folderOf, languageOf } from './files.mjs'

/**
 * The project as far as a context answer shows it: every path, and the content of those files that were chosen for this agent.
 * The disk is never read: an agent may run on another machine than the repository.
 */
export function readProject ({ context }) {
  const structure = context.project_structure ?? {}
  const files = (structure.files ?? []).map((entry) => typeof entry === 'string' ? { path: entry } : entry)
  const paths = new Set(files.map((file) => file.path))
  const total = Math.max(structure.total_files ?? 0, files.length)
  const complete = files.length >= total
  const folders = new Set((structure.directories ?? []).map((entry) => (entry.path ?? entry).replace(/\/$/, '')))
  for (const path of paths) {
    for (let folder = folderOf(path); folder && !folders.has(folder); folder = folderOf(folder)) folders.add(folder)
  }
  // A context may also hold text that is no file of the project, under a path that the listing does not know.
  const seen = (context.relevant_files ?? [])
    .filter((file) => typeof file.content === 'string' && (paths.has(file.path) || !complete))
    .map(({ path, content, size, truncation = 'none' }) => ({ path, content, size, language: languageOf(path), whole: truncation === 'none' }))
  const sizes = new Map([...seen, ...files].filter((file) => file.size !== undefined).map((file) => [file.path, file.size]))

  return {
    files,
    paths,
    folders,
    total,
    complete,
    seen,
    sizeOf: (path) => sizes.get(path),
    contentOf: (path) => seen.find((file) => file.path === path)?.content,

    /** What is not in the context is not in the findings either: says how much that is, for the files that matter to the agent. */
    gaps (label, matters) {
      const wanted = files.filter((file) => matters(file.path)).length
      const read = seen.filter((file) => matters(file.path))
      const shortened = read.filter((file) => !file.whole).length
      const gaps = []
      if (read.length < wanted) {
        gaps.push(`The context held the content of ${read.length} of ${wanted} ${label} (${seen.length} of ${total} files in the project); ` +
          'what is said about content covers those')
      }
      if (shortened > 0) gaps.push(`${shortened} of the ${read.length} ${label} in the context were shortened; what was cut from them was not examined`)
      if (!complete) gaps.push(`The context listed ${files.length} of ${total} paths of the project`)
      return gaps
    }
  }
}

/** The first `limit` items, and a warning where that is not all. */
export function bounded (items, limit, what, warnings) {
  if (items.length > limit) warnings.push(`${limit} of ${items.length} ${what} are listed, the most important first`)
  return items.slice(0, limit)
}

/** `count(1, 'file')` → `1 file`, `count(2, 'file')` → `2 files`. */
export function count (number, noun) {
  return `${number} ${number === 1 ? noun : noun.replace(/y$/, 'ie') + 's'}`
}
