import { definePlugin } from '../../core/plugin-api.js'
import { chooseFiles } from './shared/choose-files.js'
import { itemLimit } from './shared/item-limit.js'

/** Where a specification stands under a name that does not tell; its head does. */
const PLACES = ['api', 'apis', 'spec', 'specs', 'schema', 'schemas', 'contracts', 'docs', 'static', 'public', 'resources']
  .flatMap(folder => ['*.yaml', '*.yml', '*.json'].map(name => `${folder}/${name}`))
  .concat('/api*.y*ml', '/api*.json', '/spec*.y*ml', '/spec*.json')

export default definePlugin({
  kind: 'context-strategy',
  name: 'api-specs',
  description: 'OpenAPI, AsyncAPI, GraphQL, protobuf and WSDL',
  options: itemLimit(),
  create: ({ maxItems }, { clock }) => chooseFiles({
    satisfies: 'api-specs',
    maxItems,
    clock,
    as: 'configuration',
    choice: {
      parameter: 'formats',
      groups: {
        openapi: [
          {
            paths: ['openapi*.y*ml', 'openapi*.json', 'swagger*.y*ml', 'swagger*.json', '*.openapi.*', '*-openapi.*', '*.swagger.json'],
            score: 1,
            reason: 'OpenAPI by name'
          },
          {
            paths: ['openapi/*.y*ml', 'openapi/*.json', 'swagger/*.y*ml', 'swagger/*.json'],
            score: 0.8,
            reason: 'part of an OpenAPI document'
          },
          { paths: PLACES, content: /^\s{0,4}["']?(?:openapi|swagger)["']?\s*:/m, score: 0.95, reason: 'OpenAPI by content' },
          {
            paths: ['redocly.y*ml', '.redocly.y*ml', '.spectral.*', 'openapitools.json', '*openapi-generator*', 'orval.config.*'],
            score: 0.45,
            reason: 'tooling of OpenAPI'
          }
        ],
        asyncapi: [
          { paths: ['asyncapi*.y*ml', 'asyncapi*.json', '*.asyncapi.*', 'asyncapi/*.y*ml'], score: 1, reason: 'AsyncAPI by name' },
          { paths: PLACES, content: /^\s{0,4}["']?asyncapi["']?\s*:/m, score: 0.95, reason: 'AsyncAPI by content' }
        ],
        graphql: [
          { paths: ['schema.graphql', 'schema.graphqls', 'schema.gql', '*.graphqls', 'supergraph.*'], score: 1, reason: 'GraphQL schema' },
          {
            paths: ['graphql/schema/', 'schema/*.graphql', 'schemas/*.graphql', 'typedefs.*', 'type-defs.*', 'typedefs/'],
            score: 0.9,
            reason: 'part of a GraphQL schema'
          },
          {
            paths: ['*.graphql', '*.gql'],
            content: /\b(?:type|input|interface|enum|scalar|extend)\s+\w+/,
            score: 0.8,
            reason: 'GraphQL types'
          },
          { paths: ['*.graphql', '*.gql'], score: 0.5, reason: 'GraphQL operations' },
          {
            paths: ['codegen.*', '.graphqlrc*', 'graphql.config.*', 'gqlgen.y*ml', 'apollo.config.*', 'relay.config.*'],
            score: 0.4,
            reason: 'tooling of GraphQL'
          }
        ],
        protobuf: [
          { paths: ['*.proto'], score: 1, reason: 'protobuf definition' },
          { paths: ['buf.yaml', 'buf.gen.yaml', 'buf.work.yaml', 'prototool.yaml'], score: 0.5, reason: 'tooling of protobuf' }
        ],
        wsdl: [{ paths: ['*.wsdl'], score: 1, reason: 'WSDL' }, { paths: ['*.xsd'], score: 0.6, reason: 'XML schema' }],
        other: [
          {
            paths: ['*.raml', '*.apib', '*.smithy', '*.tsp', '*.thrift', '*.avdl', '*.fbs', '*.capnp'],
            score: 0.9,
            reason: 'interface definition'
          },
          { paths: ['*.schema.json', 'json-schema/*.json', 'jsonschema/*.json'], score: 0.55, reason: 'JSON schema' },
          {
            paths: ['*.postman_collection.json', '*.http', '*.rest', '*.bru', 'insomnia*.json'],
            score: 0.45,
            reason: 'collection of requests'
          }
        ]
      }
    }
  })
})
