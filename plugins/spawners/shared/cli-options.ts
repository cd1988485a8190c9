import { Type, type LaunchRequest, type Static, type TSchema } from '../../../core/plugin-api.js'

/** Longer than any command or call of theirs takes by default, which is all that goes on without an event of theirs. */
const SILENCE_SECONDS = 1800

/** The options that all coding agents take. */
export function cliOptions<Further extends Record<string, TSchema>> (program: string, models: Record<string, string>, further: Further) {
  return Type.Object({
    command: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, default: [program], description: 'Program and first arguments; found on the PATH that agents get.' }),
    models: Type.Record(Type.String(), Type.String({ minLength: 1 }), { default: models, description: 'Model for each tier of the profiles; a tier that is not named gets the CLI\'s own default.' }),
    arguments: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'Further arguments. They can be read by other users of the machine: no secrets.' }),
    mcpUrl: Type.String({ default: '', description: 'Address of an MCP server that agents get under the name cco, with their token; none where it is empty.' }),
    resultSeconds: Type.Number({ minimum: 0, maximum: 3600, default: 15, description: 'How long the CLI may go on after its final word before it is ended.' }),
    silenceSeconds: Type.Number({ minimum: 0, maximum: 86_400, default: SILENCE_SECONDS, description: 'How long the CLI may show nothing before it counts as hanging, where `spawn.silence_seconds` sets no limit; 0 is none.' }),
    ...further
  }, { additionalProperties: false })
}

export type CliOptions = Static<ReturnType<typeof cliOptions<Record<never, TSchema>>>>

/** Arguments that name the model of a profile's tier. */
export function modelArguments (flag: string, { models }: CliOptions, { model }: LaunchRequest): string[] {
  const name = Object.hasOwn(models, model) ? models[model] : undefined
  return name === undefined ? [] : [flag, name]
}

/** The name under which agents find the sidecar's MCP server. */
export const MCP_NAME = 'cco'

/** The variable that holds an agent's token; files name it instead of holding the token. */
export const TOKEN_VARIABLE = 'JWT_TOKEN'

const CHANGING_TOOLS = ['Edit', 'Write', 'MultiEdit', 'NotebookEdit']

/** What the tools of a profile come to for CLIs that know only whether files may be changed, commands run and pages fetched. */
export function rightsOf ({ tools }: LaunchRequest): { change: boolean, run: boolean, fetch: boolean } {
  const has = (name: string): boolean => tools.some((tool) => tool === name || tool.startsWith(`${name}(`))
  return { change: CHANGING_TOOLS.some(has), run: has('Bash'), fetch: has('WebFetch') }
}

/** For a CLI that reports itself before it calls its model: this is time for its start alone, on a machine where many start at once. */
export const START_SECONDS = 120
