import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'
import { MANIFESTS } from './shared/manifests.js'

const TEXTS = ['documentation', 'configuration', 'other'] as const

export default definePlugin({
  kind: 'context-strategy',
  name: 'licensing',
  description: 'Licence texts, notices, bills of materials and policies',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'licensing',
    maxItems,
    clock,
    as: 'documentation',
    rules: [
      {
        paths: ['license*', 'licence*', 'copying*', 'unlicense*', 'copyright*', 'eula*', 'patents'],
        kinds: TEXTS,
        score: 1,
        reason: 'licence text'
      },
      { paths: ['licenses/', 'licences/'], kinds: TEXTS, score: 0.85, reason: 'licence text' },
      {
        paths: ['notice*', 'third-party*', 'third_party*', 'thirdparty*', '*attributions*', 'credits*', 'authors*', 'acknowledg*'],
        kinds: TEXTS,
        score: 0.9,
        reason: 'notice of third parties'
      },
      {
        paths: ['*.spdx', '*.spdx.json', '*.cdx.json', '*.cdx.xml', 'bom.json', 'bom.xml', 'sbom*', 'manifest.spdx*'],
        score: 0.7,
        reason: 'bill of materials'
      },
      {
        paths: [
          'reuse.toml', '.reuse/', '.licensee*', '.fossa.yml', 'deny.toml', 'about.toml', '*license-check*', '*license-finder*',
          'dependency_decisions.yml', '.license*', 'licenserc*', '.licenserc*', '.ort.yml', 'dependency-review-config.yml'
        ],
        kinds: TEXTS,
        score: 0.85,
        reason: 'policy of licences'
      },
      {
        paths: [
          'cla.*', 'dco*', 'code_of_conduct*', 'privacy*', 'terms*', 'security.md', 'gdpr*', 'compliance*', 'trademark*', 'governance*'
        ],
        kinds: ['documentation', 'other'],
        score: 0.6,
        reason: 'policy by name'
      },
      { paths: ['compliance/', 'legal/', 'policies/'], kinds: ['documentation', 'configuration'], score: 0.6, reason: 'policy' },
      {
        paths: Object.values(MANIFESTS).flat().map(name => `/${name}`),
        content: /licen[cs]e|copyright/i,
        score: 0.45,
        reason: 'manifest that states a licence'
      },
      { paths: ['contributing*', '/readme*'], content: /\blicen[cs]e/i, score: 0.3, reason: 'speaks of the licence' }
    ]
  })
})
