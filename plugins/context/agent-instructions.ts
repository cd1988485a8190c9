import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'agent-instructions',
  description: 'Instructions to coding agents, and definitions of agents and commands',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'agent-instructions',
    maxItems,
    clock,
    // Prose by its ending, configuration by what it does.
    as: 'configuration',
    rules: [
      {
        paths: [
          '/claude.md', '/agents.md', '/gemini.md', '/agent.md', '/.cursorrules', '/.windsurfrules', '/.clinerules',
          '/.github/copilot-instructions.md', '/.claude/claude.md', '/warp.md', '/qwen.md'
        ],
        score: 1,
        reason: 'instructions for the whole project'
      },
      {
        paths: ['claude.md', 'agents.md', 'gemini.md', '.cursorrules', '.windsurfrules', 'copilot-instructions.md'],
        score: 0.8,
        reason: 'instructions for a part'
      },
      {
        paths: [
          '.claude/agents/', '.cco/agents/', '.opencode/agent/', '.github/agents/', '.github/chatmodes/', '.roo/', '.roomodes',
          'subagents/'
        ],
        kinds: ['documentation', 'configuration', 'other'],
        score: 0.9,
        reason: 'definition of an agent'
      },
      {
        paths: [
          '.claude/commands/', '.claude/skills/', 'skill.md', '.github/prompts/', '.opencode/command/', '.gemini/commands/',
          '.codex/prompts/'
        ],
        kinds: ['documentation', 'configuration', 'other'],
        score: 0.85,
        reason: 'definition of a command or skill'
      },
      {
        paths: [
          '.cursor/rules/', '.clinerules/', '.windsurf/rules/', '.github/instructions/', '.junie/', '.kiro/', '.continue/',
          '.amazonq/rules/', '.augment/', '.trae/', '.goosehints'
        ],
        kinds: ['documentation', 'configuration', 'other'],
        score: 0.85,
        reason: 'rules for an editor agent'
      },
      {
        paths: [
          '.claude/settings.json', '.cco/*.json', '.aider*', '.codex/config.toml', 'opencode.json*', '.claude/hooks/', '.mcp.json',
          '.cursorignore', '.aiexclude'
        ],
        score: 0.65,
        reason: 'settings of an agent'
      },
      { paths: ['/llms.txt', '/docs/llms.txt', 'llms.txt'], score: 0.6, reason: 'outline for language models' },
      {
        paths: ['agents/*.md', 'agents/*.json', 'agents/*.y*ml', 'commands/*.md', 'skills/*.md'],
        kinds: ['documentation', 'configuration'],
        content: /^(?:name|description|tools|model|allowed-tools|role)\s*:|"(?:role|prompt|tools|model|capabilities)"\s*:|\byou are\b/im,
        score: 0.75,
        reason: 'definition of an agent by content'
      },
      { paths: ['llms-full.txt'], score: 0.15, reason: 'full text for language models' },
      { paths: ['/contributing*', '/conventions.md'], score: 0.4, reason: 'rules that agents keep too' }
    ]
  })
})
