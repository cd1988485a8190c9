import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes a plugin, as somebody else would, and gives the path it is loaded from. `built` imports a module of this package. */
export async function writePlugin (folder: string, name: string, source: string): Promise<string> {
  const path = join(folder, name)
  const api = new URL('../../../core/plugin-api.js', import.meta.url)
  const root = new URL('../../../', import.meta.url)
  await writeFile(path, `import { apiError, definePlugin } from ${JSON.stringify(api.href)}
const built = async (path) => await import(new URL(path, ${JSON.stringify(root.href)}).href)
${source}
`)
  return path
}
