import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'
import { ENTRY_POINTS, MANIFESTS } from './shared/manifests.js'

const manifests = Object.values(MANIFESTS).flat()

/** The tree itself is part of every answer; this adds the files by which a person finds out how a project is laid out. */
export default definePlugin({
  kind: 'context-strategy',
  name: 'project-structure',
  description: 'Manifests, entry points and the top of the tree',
  options: itemLimit(100),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'project-structure',
    maxItems,
    clock,
    rules: [
      { paths: manifests.map(name => `/${name}`), score: 1, reason: 'root manifest' },
      { paths: ['/readme*'], score: 0.95, reason: 'read-me of the project' },
      {
        paths: ['/pnpm-workspace.yaml', '/lerna.json', '/nx.json', '/turbo.json', '/rush.json', '/melos.yaml', '/module.bazel'],
        score: 0.9,
        reason: 'layout of a workspace'
      },
      { paths: ENTRY_POINTS, kinds: ['source'], score: 0.8, reason: 'entry point by name' },
      {
        paths: ['/architecture*', '/design.md', '/claude.md', '/agents.md', '/docs/architecture*'],
        score: 0.7,
        reason: 'description of the layout'
      },
      {
        paths: ['/makefile', '/justfile', '/taskfile.y*ml', '/dockerfile', '/docker-compose*', '/compose.y*ml'],
        score: 0.6,
        reason: 'how it is built and run'
      },
      { paths: manifests, score: 0.6, reason: 'manifest of a package within' },
      { paths: ['/*/readme*', 'packages/readme*', 'apps/readme*', 'crates/readme*'], score: 0.45, reason: 'read-me of a part' },
      { paths: ['/*'], score: 0.3, reason: 'top of the tree' }
    ]
  })
})
