import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'
import { kindOf } from './shared/path-kind.js'

const OF_OTHERS = /^(?:changelog|license|licence|copying|authors|notice|claude\.md|agents\.md|gemini\.md|llms-full\.txt|code_of_conduct)/
const AGENTS_OWN = new Set(['.claude', '.cursor', '.cco', '.changeset', 'prompts', 'issue_template'])

export default definePlugin({
  kind: 'context-strategy',
  name: 'docs',
  description: 'Read-mes and documentation',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'docs',
    maxItems,
    clock,
    rules: [
      { paths: ['/readme*'], kinds: ['documentation'], score: 1, reason: 'read-me of the project' },
      {
        paths: [
          '/docs/index.*', '/docs/readme*', '/doc/index.*', '/doc/readme*', 'getting-started*', 'quickstart*', 'tutorial*', 'installation*'
        ],
        kinds: ['documentation'],
        score: 0.85,
        reason: 'way into the documentation'
      },
      {
        paths: ['docs/', 'doc/', 'documentation/', 'wiki/', 'guides/', 'guide/', 'manual/', 'handbook/', 'runbooks/', 'man/'],
        kinds: ['documentation'],
        score: 0.75,
        reason: 'documentation'
      },
      { paths: ['readme*'], kinds: ['documentation'], score: 0.7, reason: 'read-me of a part' },
      {
        paths: ['contributing*', 'faq*', 'troubleshooting*', 'upgrading*', 'migration*', '/security.md', '/support.md', '.github/support.md'],
        kinds: ['documentation'],
        score: 0.55,
        reason: 'guide by name'
      },
      {
        paths: [
          'mkdocs.y*ml', 'docusaurus.config.*', 'sidebars.*', 'book.toml', 'antora.yml', 'docs/conf.py', 'doc/conf.py',
          'docs/source/conf.py', '.vitepress/config.*', '_config.yml', 'typedoc.json', '.readthedocs.y*ml', 'doxyfile', '_toc.yml',
          'mint.json'
        ],
        score: 0.35,
        reason: 'configuration of the documentation'
      },
      { when: place => kindOf(place) === 'documentation', score: 0.5, reason: 'prose' },
      {
        paths: ['docs/*.yml', 'docs/*.yaml', 'docs/*.json', 'docs/*.html', 'doc/*.html'],
        score: 0.2,
        reason: 'file within the documentation'
      }
    ],
    // Others hold these requirements; here they would crowd out what explains the project.
    accept: () => place => !OF_OTHERS.test(place.name) && !place.folders.some(folder => AGENTS_OWN.has(folder))
  })
})
