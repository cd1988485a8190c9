import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'coding-standards',
  description: 'Linters, formatters, editor configuration and style guides',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'coding-standards',
    maxItems,
    clock,
    rules: [
      { paths: ['contributing*'], kinds: ['documentation'], score: 1, reason: 'guide for contributors' },
      {
        paths: [
          '*style-guide*', '*styleguide*', '*style_guide*', 'style.md', '*coding-standard*', '*coding_standard*', '*conventions.*',
          'code-review*', 'guidelines.*'
        ],
        kinds: ['documentation'],
        score: 1,
        reason: 'style guide'
      },
      {
        paths: [
          '.eslintrc*', 'eslint.config.*', 'biome.json*', '.oxlintrc*', 'tslint.json', '.stylelintrc*', 'stylelint.config.*', '.htmlhintrc',
          'ruff.toml', '.ruff.toml', '.flake8', '.pylintrc', 'pylintrc', 'mypy.ini', '.mypy.ini', 'pyrightconfig.json', '.golangci.*',
          'clippy.toml',
          '.clippy.toml', '*checkstyle*.xml', '*pmd*.xml', '*spotbugs*.xml', 'detekt*.yml', '.rubocop*.yml', '.reek.yml', 'phpcs.xml*',
          '.phpcs.xml*', 'phpstan.neon*', 'psalm.xml*', '.clang-tidy', '.cppcheck', 'analysis_options.yaml', '.swiftlint.yml',
          'stylecop.json', '*.ruleset',
          '.globalconfig', '.markdownlint*', '.yamllint*', '.hadolint.y*ml', '.shellcheckrc', '.sqlfluff', '.tflint.hcl', '.spectral.*',
          '.credo.exs', '.scalafix.conf'
        ],
        score: 0.95,
        reason: 'rules of a linter'
      },
      {
        paths: [
          '.prettierrc*', 'prettier.config.*', '.dprint.json', 'dprint.json', 'rustfmt.toml', '.rustfmt.toml', '.clang-format',
          '.swiftformat', '.swift-format',
          '.php-cs-fixer*', 'pint.json', '.scalafmt.conf', '.formatter.exs', '.style.yapf', '.isort.cfg', '.csharpierrc*', 'ktlint*',
          '.jsbeautifyrc'
        ],
        score: 0.9,
        reason: 'rules of a formatter'
      },
      { paths: ['.editorconfig'], score: 0.9, reason: 'rules of the editor' },
      {
        paths: ['/pyproject.toml', '/setup.cfg', '/tox.ini'],
        content: /^\[(?:tool[.:])?(?:ruff|black|isort|mypy|pylint|flake8|yapf|pyright)/m,
        score: 0.75,
        reason: 'holds rules of a linter'
      },
      {
        paths: ['/package.json'],
        content: /"(?:eslintConfig|prettier|stylelint|xo|standard|lint-staged)"\s*:/,
        score: 0.7,
        reason: 'holds rules of a linter'
      },
      { paths: ['/cargo.toml'], content: /^\[(?:workspace\.)?lints/m, score: 0.7, reason: 'holds rules of a linter' },
      {
        paths: ['tsconfig*.json', 'jsconfig.json', 'directory.build.props', '.luarc.json'],
        score: 0.6,
        reason: 'strictness of the compiler'
      },
      {
        paths: [
          '.pre-commit-config.y*ml', 'lefthook.y*ml', '.husky/', '.lintstagedrc*', 'lint-staged.config.*', '.commitlintrc*',
          'commitlint.config.*', '.gitlint', '.overcommit.yml'
        ],
        score: 0.6,
        reason: 'checks before a commit'
      },
      {
        paths: ['pull_request_template*', 'codeowners', '.gitattributes', '.gitmessage', 'dangerfile*'],
        score: 0.4,
        reason: 'rules of collaboration'
      }
    ]
  })
})
