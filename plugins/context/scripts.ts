import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'scripts',
  description: 'Shell scripts, make files and task runners',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'scripts',
    maxItems,
    clock,
    rules: [
      {
        paths: [
          '/makefile', '/gnumakefile', '/justfile', '/.justfile', '/taskfile.y*ml', '/rakefile', '/magefile.go', '/build.xml', '/mise.toml'
        ],
        score: 1,
        reason: 'task runner of the project'
      },
      {
        paths: [
          'makefile', 'makefile.*', 'gnumakefile', '*.mk', 'justfile', '*.just', 'taskfile.y*ml', 'rakefile', '*.rake', 'gulpfile.*',
          'gruntfile.*', 'tasks.py', 'noxfile.py', 'fabfile.py', 'dodo.py', 'magefile.go', 'earthfile', 'build.cake', 'psakefile.ps1',
          'sconstruct', 'wireit*'
        ],
        score: 0.85,
        reason: 'task runner'
      },
      {
        paths: ['scripts/', 'script/', 'bin/', 'hack/', 'tools/', 'dev/'],
        kinds: ['source', 'other'],
        score: 0.75,
        reason: 'file of the scripts folder'
      },
      {
        paths: ['*.sh', '*.bash', '*.zsh', '*.fish', '*.ksh', '*.ps1', '*.psm1', '*.bat', '*.cmd', '*.awk', '*.bats'],
        score: 0.8,
        reason: 'shell script'
      },
      { when: place => place.file.language === 'shell' || place.file.language === 'powershell', score: 0.8, reason: 'shell script' },
      {
        paths: [
          '.husky/', '.githooks/', 'hooks/pre-commit', 'hooks/pre-push', 'hooks/commit-msg', 'lefthook.y*ml', '.envrc',
          'docker-entrypoint*', 'entrypoint.sh', 'install.sh', 'setup.sh', 'bootstrap.sh'
        ],
        kinds: ['source', 'configuration', 'other'],
        score: 0.7,
        reason: 'hook or entry script'
      },
      {
        paths: ['/package.json', 'package.json', '/composer.json', '/deno.json'],
        content: /"(?:scripts|tasks)"\s*:/,
        score: 0.6,
        reason: 'scripts of the package'
      },
      {
        paths: ['/pyproject.toml', '/pipfile'],
        content: /^\[(?:tool\.(?:poe|taskipy|pdm\.scripts|hatch)|scripts|project\.scripts)/m,
        score: 0.55,
        reason: 'scripts of the package'
      },
      {
        paths: ['cmakelists.txt', '/build.zig', '/build.rs', '/build.sbt', '/xtask/', '.shellcheckrc'],
        score: 0.45,
        reason: 'build script'
      }
    ]
  })
})
