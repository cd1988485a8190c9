import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

const VIEWS = ['*.tsx', '*.jsx', '*.vue', '*.svelte', '*.astro']
const SCRIPTS = [...VIEWS, '*.ts', '*.js', '*.mjs', '*.dart']
const within = (folders: string[], names: string[]) => folders.flatMap(folder => names.map(name => `${folder}/${name}`))

export default definePlugin({
  kind: 'context-strategy',
  name: 'frontend',
  description: 'Components, pages, styles, markup and bundler configuration',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'frontend',
    maxItems,
    clock,
    choice: {
      parameter: 'parts',
      groups: {
        components: [
          {
            paths: [...within(['components', 'component', 'ui', 'widgets', 'layouts'], SCRIPTS), '*.component.ts', '*.component.html'],
            kinds: ['source'],
            score: 0.9,
            reason: 'component'
          },
          { paths: VIEWS, kinds: ['source'], score: 0.7, reason: 'component by ending' },
          {
            paths: within(['hooks', 'composables', 'stores', 'store', 'context', 'providers', 'contexts'], SCRIPTS),
            kinds: ['source'],
            score: 0.6,
            reason: 'state of the components'
          },
          { paths: ['*.stories.*', '.storybook/'], score: 0.35, reason: 'story of a component' }
        ],
        pages: [
          {
            paths: [
              ...within(['pages', 'views', 'screens'], SCRIPTS), ...within(['routes'], VIEWS), 'page.tsx', 'page.jsx', 'layout.tsx',
              'layout.jsx', '+page.*', '+layout.*', 'loading.tsx', 'error.tsx', 'not-found.tsx', '_app.*', '_document.*'
            ],
            kinds: ['source'],
            score: 0.95,
            reason: 'page'
          },
          {
            paths: [
              'app.tsx', 'app.jsx', 'app.vue', 'app.svelte', 'app.component.*', 'app-routing.module.ts', 'router.ts', 'router.js',
              'router/*.ts', 'router/*.js', 'routes.tsx', 'routes.ts', 'app.routes.ts'
            ],
            kinds: ['source'],
            score: 1,
            reason: 'root or routes of the application'
          }
        ],
        styles: [
          {
            paths: [
              'tailwind.config.*', 'postcss.config.*', 'theme.*', 'tokens.*', 'design-tokens*', 'variables.css', '_variables.*',
              'globals.css', 'global.css', 'styled.d.ts', 'panda.config.*', 'uno.config.*'
            ],
            score: 0.9,
            reason: 'theme or design tokens'
          },
          { paths: ['*.css', '*.scss', '*.sass', '*.less', '*.styl', '*.css.ts', '*.styles.ts'], score: 0.7, reason: 'styles' }
        ],
        markup: [
          {
            paths: [
              '/index.html', 'public/index.html', 'src/index.html', 'app.html', 'base.html', 'layout.html', 'application.html.erb',
              '_layout.cshtml', 'app.blade.php'
            ],
            score: 0.95,
            reason: 'frame of all pages'
          },
          {
            paths: [
              '*.html', '*.htm', '*.hbs', '*.ejs', '*.pug', '*.njk', '*.liquid', '*.erb', '*.haml', '*.slim', '*.twig', '*.blade.php',
              '*.cshtml', '*.razor', '*.jinja', '*.jinja2', '*.heex', '*.ftl', '*.jsp'
            ],
            score: 0.7,
            reason: 'markup'
          },
          {
            paths: ['manifest.webmanifest', 'site.webmanifest', 'robots.txt', 'sitemap.*', 'public/manifest.json'],
            score: 0.4,
            reason: 'metadata of the site'
          }
        ],
        bundler: [
          {
            paths: [
              'vite.config.*', 'webpack*.js', 'webpack*.ts', 'rollup.config.*', 'next.config.*', 'nuxt.config.*', 'svelte.config.*',
              'astro.config.*', 'remix.config.*', 'gatsby-config.*', 'angular.json', 'vue.config.*', 'rspack.config.*', 'esbuild.*',
              'rsbuild.config.*', 'craco.config.*', 'project.json', 'ember-cli-build.js'
            ],
            score: 0.85,
            reason: 'configuration of the bundler'
          },
          {
            paths: [
              'babel.config.*', '.babelrc*', '.browserslistrc', '.swcrc', 'tsconfig*.json', 'lighthouserc*', '.lighthouserc*',
              '.size-limit*', 'budget*.json', 'workbox-config.*', 'service-worker.*', 'sw.*'
            ],
            score: 0.55,
            reason: 'configuration of the build'
          },
          {
            paths: ['package.json'],
            content: /"(?:react|vue|svelte|next|nuxt|@angular\/core|astro|preact|solid-js|vite|webpack|lit|ember-source)"\s*:/,
            score: 0.7,
            reason: 'manifest of a frontend'
          }
        ]
      }
    }
  })
})
