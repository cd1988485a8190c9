import { startError } from '../errors.js'
import type { PluginKind, PluginManifest } from './define-plugin.js'

interface Ordered { manifest: PluginManifest }

/**
 * Puts plugins so that each comes after all plugins of the kinds it requires; otherwise the given order is kept.
 * A kind that nobody offers and a circle of requirements stop the start.
 */
export function orderByDependency<P extends Ordered> (plugins: readonly P[]): P[] {
  const byKind = groupByKind(plugins)
  const ordered: P[] = []
  const done = new Set<P>()
  const visit = (plugin: P, path: readonly P[]): void => {
    if (done.has(plugin)) return
    if (path.includes(plugin)) {
      const circle = [...path.slice(path.indexOf(plugin)), plugin].map((member) => `'${member.manifest.kind}/${member.manifest.name}'`)
      throw startError('SIDECAR_ERR_PLUGIN_DEPENDENCY', `Plugins require each other in a circle: ${circle.join(' → ')}. Take one of the requirements out.`)
    }
    for (const kind of plugin.manifest.requires ?? []) {
      const required = byKind.get(kind)
      if (required === undefined) {
        throw startError('SIDECAR_ERR_PLUGIN_DEPENDENCY', `Plugin '${plugin.manifest.kind}/${plugin.manifest.name}' requires a plugin of kind '${kind}', and none is configured.`)
      }
      for (const other of required) visit(other, [...path, plugin])
    }
    done.add(plugin)
    ordered.push(plugin)
  }
  for (const plugin of plugins) visit(plugin, [])
  return ordered
}

function groupByKind<P extends Ordered> (plugins: readonly P[]): Map<PluginKind, P[]> {
  const groups = new Map<PluginKind, P[]>()
  for (const plugin of plugins) {
    const group = groups.get(plugin.manifest.kind)
    if (group === undefined) groups.set(plugin.manifest.kind, [plugin])
    else group.push(plugin)
  }
  return groups
}
