import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'
import { NETWORK_RULES } from './shared/network-rules.js'

const YAML = ['*.yaml', '*.yml']
const within = (folders: string[], names = YAML) => folders.flatMap(folder => names.map(name => `${folder}/${name}`))

// From one to the next of its kind at most: else each of thousands would be looked on from.
const MANIFEST = /^apiVersion:(?:(?!^apiVersion:)[\s\S]){0,2000}?^kind:|^kind:(?:(?!^kind:)[\s\S]){0,2000}?^apiVersion:/m

export default definePlugin({
  kind: 'context-strategy',
  name: 'infrastructure',
  description: 'Containers, orchestration and infrastructure as code',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'infrastructure',
    maxItems,
    clock,
    as: 'configuration',
    choice: {
      parameter: 'tools',
      groups: {
        docker: [
          {
            paths: ['dockerfile', 'dockerfile.*', '*.dockerfile', 'containerfile', 'containerfile.*'],
            score: 1,
            reason: 'container image'
          },
          { paths: ['docker-compose*.y*ml', 'compose.y*ml', 'compose.*.y*ml'], score: 0.95, reason: 'composition of containers' },
          {
            paths: ['docker-bake.*', '.devcontainer/', 'docker-entrypoint*', 'docker/', '.docker/'],
            kinds: ['configuration', 'source', 'other'],
            score: 0.6,
            reason: 'part of a container'
          },
          { paths: ['.dockerignore', '.containerignore'], score: 0.4, reason: 'what images leave out' }
        ],
        kubernetes: [
          { paths: within(['k8s', 'kubernetes', 'kube', 'kustomize']), score: 0.95, reason: 'Kubernetes manifest' },
          {
            paths: [
              'kustomization.y*ml', '*.k8s.y*ml', 'skaffold.y*ml', 'tiltfile', 'argocd/*.y*ml', 'argo-cd/*.y*ml', 'flux-system/*.y*ml',
              'clusters/*.y*ml'
            ],
            score: 0.95,
            reason: 'Kubernetes deployment'
          },
          {
            paths: within(['manifests', 'deploy', 'deployment', 'deployments', 'infra', 'ops', 'base', 'overlays', 'crds', 'config']),
            content: MANIFEST,
            score: 0.9,
            reason: 'Kubernetes manifest by content'
          }
        ],
        helm: [
          { paths: ['chart.yaml', 'helmfile*.y*ml', 'helmrelease*.y*ml'], score: 1, reason: 'Helm chart' },
          { paths: ['values*.y*ml'], score: 0.9, reason: 'values of a Helm chart' },
          {
            paths: within(['charts', 'helm', 'chart'], ['*.yaml', '*.yml', '*.tpl', '*.json']),
            score: 0.8,
            reason: 'template of a Helm chart'
          }
        ],
        terraform: [
          {
            paths: ['/main.tf', 'terraform/main.tf', 'main.tf', 'terragrunt.hcl', 'backend.tf', 'providers.tf', 'versions.tf'],
            score: 1,
            reason: 'root of a Terraform module'
          },
          { paths: ['*.tf', '*.tf.json', '*.tofu'], score: 0.9, reason: 'Terraform' },
          {
            paths: ['*.tfvars', '*.tfvars.json', '*.tftest.hcl', '.tflint.hcl', 'atlantis.yaml', '.terraform-version', '.terraformrc'],
            score: 0.6,
            reason: 'settings of Terraform'
          }
        ],
        ansible: [
          {
            paths: [
              'ansible.cfg', 'site.y*ml', 'playbook*.y*ml',
              ...within(['playbooks', 'roles', 'group_vars', 'host_vars', 'inventory', 'inventories', 'ansible'], [...YAML, '*.ini', '*.j2', 'hosts'])
            ],
            score: 0.9,
            reason: 'Ansible'
          },
          { paths: ['galaxy.yml', 'molecule/*.yml', 'requirements.yml'], score: 0.5, reason: 'settings of Ansible' }
        ],
        cloudformation: [
          {
            paths: [
              ...within(['cloudformation', 'cfn'], [...YAML, '*.json']), '*.cfn.*', 'samconfig.*', 'cdk.json', '*.bicep',
              'azuredeploy*.json'
            ],
            score: 0.95,
            reason: 'CloudFormation, CDK or ARM'
          },
          {
            paths: [...within(['infra', 'infrastructure', 'aws', 'templates', 'stacks']), '/template.y*ml', 'template.y*ml'],
            content: /AWSTemplateFormatVersion|^Transform:|Type:\s*["']?AWS::/m,
            score: 0.95,
            reason: 'CloudFormation by content'
          },
          {
            paths: ['*-stack.ts', '*_stack.py', '*stack.ts', '*stack.py', '*stack.cs', '*stack.java', 'cdk/', 'bin/*.ts'],
            kinds: ['source'],
            content: /aws-cdk|aws_cdk|software\.amazon\.awscdk|Amazon\.CDK/,
            score: 0.9,
            reason: 'CDK stack'
          }
        ],
        pulumi: [
          { paths: ['pulumi.yaml', 'pulumi.*.yaml'], score: 1, reason: 'Pulumi project' },
          {
            paths: ['index.ts', '__main__.py', 'infra/', 'infrastructure/', 'pulumi/'],
            kinds: ['source'],
            content: /@pulumi\/|import pulumi|pulumi\/sdk/,
            score: 0.9,
            reason: 'Pulumi program'
          }
        ],
        serverless: [
          {
            paths: [
              'serverless.y*ml', 'serverless.ts', 'serverless.js', 'sst.config.*', 'netlify.toml', 'vercel.json', 'wrangler.*', 'fly.toml',
              'render.yaml', 'app.yaml', 'firebase.json', 'amplify.yml', 'railway.*', 'procfile', 'host.json', 'function.json',
              'heroku.yml', 'now.json'
            ],
            score: 0.95,
            reason: 'deployment to a platform'
          }
        ],
        network: NETWORK_RULES,
        hosts: [
          {
            paths: [
              'vagrantfile', '*.pkr.hcl', 'packer*.json', 'cloud-init*', '*.nomad', '*.nomad.hcl', 'systemd/', '*.service', '*.timer',
              'flake.nix', 'configuration.nix'
            ],
            score: 0.7,
            reason: 'set-up of a machine'
          }
        ]
      }
    }
  })
})
