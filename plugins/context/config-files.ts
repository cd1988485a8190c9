import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'config-files',
  description: 'Application configuration',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'config-files',
    maxItems,
    clock,
    // What configures a code host is none of the application's.
    accept: () => place => place.folders[0] !== '.github' && place.folders[0] !== '.gitlab',
    rules: [
      {
        paths: [
          'appsettings*.json', 'application.y*ml', 'application-*.y*ml', 'application.properties', 'application-*.properties',
          'application.conf', 'bootstrap.y*ml',
          'settings.py', 'settings/*.py', 'local_settings.py', 'web.config', 'app.config', 'config/application.rb', 'config/environments/',
          'config/initializers/',
          'config/*.exs', 'parameters.y*ml', 'services.y*ml', 'feature-flags.*', 'feature_flags.*', 'features.y*ml'
        ],
        score: 1,
        reason: 'settings of the application'
      },
      {
        paths: [
          '.env.example', '.env.sample', '.env.template', '.env.dist', '.env.defaults', 'env.example', '*.env.example', '.envrc.example'
        ],
        score: 0.95,
        reason: 'names of the environment variables'
      },
      {
        paths: ['config/', 'configs/', 'conf/', 'settings/', 'etc/', 'configuration/'],
        kinds: ['configuration'],
        score: 0.9,
        reason: 'file of the configuration folder'
      },
      {
        paths: ['config.*', 'settings.*', 'configuration.*', 'defaults.*', 'env.*', 'environment.*', 'constants.*'],
        kinds: ['source', 'configuration'],
        score: 0.85,
        reason: 'configuration by name'
      },
      {
        words: ['config', 'configuration', 'settings', 'preferences'],
        kinds: ['source'],
        score: 0.7,
        reason: 'code that reads the configuration'
      },
      {
        paths: ['config/*.php', 'config/*.rb', 'config/*.py', 'config/*.ts', 'config/*.js'],
        kinds: ['source'],
        score: 0.85,
        reason: 'file of the configuration folder'
      },
      {
        paths: ['*.properties', '*.ini', '*.conf', '*.cfg', '*.config.*'],
        kinds: ['configuration'],
        score: 0.55,
        reason: 'configuration by ending'
      },
      {
        paths: [
          'tsconfig*.json', 'babel.config.*', '/pyproject.toml', '/package.json', 'nodemon.json', 'ormconfig.*', 'next.config.*',
          'vite.config.*', 'nginx*.conf'
        ],
        score: 0.5,
        reason: 'configuration of a tool'
      },
      { paths: ['/*.json', '/*.yaml', '/*.yml', '/*.toml', '/.*rc'], score: 0.3, reason: 'configuration in the root' }
    ]
  })
})
