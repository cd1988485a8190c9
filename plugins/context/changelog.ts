import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'changelog',
  description: 'Changelogs, release notes and release configuration',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'changelog',
    maxItems,
    clock,
    rules: [
      {
        paths: [
          'changelog*', 'changes.md', 'changes.rst', 'changes.txt', 'changes', 'history.md', 'history.rst', 'history.txt', 'news',
          'news.md', 'news.rst', 'releases.md', 'release-notes*', 'release_notes*', 'releasenotes*', 'whatsnew*'
        ],
        kinds: ['documentation', 'other'],
        score: 1,
        reason: 'changelog'
      },
      {
        paths: [
          '.changeset/', 'changelog.d/', 'changelogs/', 'newsfragments/', 'news/', '.changes/', 'unreleased/', 'changes/',
          'release-notes/', 'releasenotes/'
        ],
        kinds: ['documentation', 'configuration', 'other'],
        score: 0.9,
        reason: 'entry for the next release'
      },
      {
        paths: ['upgrading*', 'upgrade*', 'migration*', 'migrating*', 'breaking*'],
        kinds: ['documentation'],
        score: 0.7,
        reason: 'guide to an upgrade'
      },
      {
        paths: [
          '.releaserc*', 'release.config.*', 'release-please-config.json', '.release-please-manifest.json', 'cliff.toml', '.cliff.toml',
          '.goreleaser.y*ml', '.versionrc*',
          '.release-it.*', '.bumpversion.*', '.bumpversion.toml', 'towncrier.toml', 'release.toml', '.chglog/', '.github/release-drafter.y*ml', 'gitversion.yml', 'version.rb', '.auto-changelog',
          'fastlane/changelogs/'
        ],
        score: 0.65,
        reason: 'configuration of releases'
      },
      {
        paths: ['.github/*release*', '.github/*publish*', 'scripts/*release*', 'scripts/*changelog*'],
        score: 0.5,
        reason: 'how a release is made'
      },
      {
        paths: ['/version', '/version.txt', '/package.json', '/pyproject.toml', '/cargo.toml', '/pubspec.yaml', '/lerna.json'],
        score: 0.3,
        reason: 'states the version'
      },
      {
        paths: ['docs/releas*', 'releasing*', 'release.md', '.commitlintrc*', 'commitlint.config.*'],
        score: 0.45,
        reason: 'rules of releases'
      }
    ]
  })
})
