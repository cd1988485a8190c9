import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'architecture-docs',
  description: 'Decision records, design documents and diagrams',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'architecture-docs',
    maxItems,
    clock,
    as: 'documentation',
    rules: [
      {
        paths: [
          'architecture.*', 'architecture-*', '*-architecture.*', '*_architecture.*', 'arc42*', 'system-design*', 'technical-design*',
          'tech-spec*'
        ],
        kinds: ['documentation'],
        score: 1,
        reason: 'description of the architecture'
      },
      {
        paths: ['adr/', 'adrs/', '*-adr/', 'architecture-decisions/', 'decisions/', 'decision-records/', 'adr-*', '*.adr.md'],
        kinds: ['documentation'],
        score: 0.95,
        reason: 'decision record'
      },
      {
        paths: ['architecture/', 'design/', 'designs/', 'rfcs/', 'rfc/', 'proposals/', 'specs/', 'blueprints/', 'arch/'],
        kinds: ['documentation'],
        score: 0.85,
        reason: 'design document'
      },
      {
        paths: ['design.*', 'design-*', '*-design.*', 'rfc-*', 'overview.*', 'data-model*', 'domain-model*', 'glossary*', 'c4-*'],
        kinds: ['documentation'],
        score: 0.8,
        reason: 'design document by name'
      },
      {
        paths: ['*.puml', '*.plantuml', '*.mmd', '*.mermaid', '*.c4', 'workspace.dsl', '*.structurizr', '*.likec4', '*.dot', '*.d2'],
        score: 0.7,
        reason: 'diagram as text'
      },
      {
        paths: ['docs/*.md', 'doc/*.md'],
        content: /```(?:mermaid|plantuml)|^#+ .*\b(?:architecture|design decisions?|components)\b/im,
        score: 0.6,
        reason: 'documentation with a diagram or design'
      },
      // One XML line of coordinates: little is to be read from it.
      { paths: ['*.drawio', '*.excalidraw', '*.bpmn'], score: 0.25, reason: 'drawing' },
      { paths: ['/readme*', 'roadmap.*'], score: 0.4, reason: 'overview of the project' }
    ]
  })
})
