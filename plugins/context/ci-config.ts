import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

export default definePlugin({
  kind: 'context-strategy',
  name: 'ci-config',
  description: 'Pipelines of CI/CD',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'ci-config',
    maxItems,
    clock,
    rules: [
      {
        paths: ['.github/workflows/', '.gitea/workflows/', '.forgejo/workflows/'],
        kinds: ['configuration'],
        score: 1,
        reason: 'workflow of GitHub Actions'
      },
      {
        paths: [
          '.gitlab-ci.y*ml', '*.gitlab-ci.y*ml', '.circleci/config.y*ml', 'jenkinsfile*', '*.jenkinsfile', 'azure-pipelines*.y*ml',
          'bitbucket-pipelines.yml',
          '.travis.yml', '.drone.y*ml', '.drone.star', '.woodpecker.y*ml', '.woodpecker/', '.buildkite/*.y*ml', 'appveyor.yml',
          '.appveyor.yml', 'cloudbuild*.y*ml', 'buildspec*.y*ml',
          '.cirrus.y*ml', '.semaphore/*.y*ml', '.teamcity/', 'codemagic.yaml', 'bitrise.yml', '.ci.y*ml', '.builds/*.yml', 'wercker.yml',
          'zuul.yaml', '.zuul.yaml'
        ],
        score: 1,
        reason: 'pipeline by name'
      },
      {
        paths: [
          '.gitlab/ci/', '.gitlab/*.yml', '.circleci/', '.azure-pipelines/', 'azure-pipelines/', '.azure/', '.tekton/', 'tekton/',
          '.buildkite/', 'jenkins/', '.jenkins/', '.harness/', 'argo-workflows/', '.concourse/'
        ],
        score: 0.85,
        reason: 'part of a pipeline'
      },
      { paths: ['.github/actions/', '/action.y*ml', 'action.y*ml'], score: 0.85, reason: 'action that pipelines use' },
      {
        paths: ['earthfile', 'dagger.json', '.dagger/', 'ci/', '.ci/', 'scripts/ci*', 'scripts/deploy*', '.github/scripts/'],
        kinds: ['source', 'configuration', 'other'],
        score: 0.6,
        reason: 'step of a pipeline'
      },
      {
        paths: [
          'fastlane/fastfile', 'noxfile.py', 'tox.ini', 'skaffold.yaml', 'sonar-project.properties', '.goreleaser.y*ml',
          'release-please-config.json'
        ],
        score: 0.5,
        reason: 'run by pipelines'
      },
      {
        paths: [
          '.pre-commit-config.y*ml', 'codecov.y*ml', '.codecov.yml', '.github/dependabot.y*ml', 'renovate.json*', 'codeowners',
          '.mergify.yml', '.github/labeler.y*ml'
        ],
        score: 0.4,
        reason: 'checks around the pipeline'
      },
      { paths: ['/makefile', '/justfile', '/taskfile.y*ml', '/dockerfile'], score: 0.35, reason: 'targets that pipelines call' },
      { paths: ['/package.json'], content: /"(?:ci|build|test|lint)[\w:-]*"\s*:/, score: 0.3, reason: 'scripts that pipelines call' }
    ]
  })
})
