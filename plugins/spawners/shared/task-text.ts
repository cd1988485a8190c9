import type { LaunchRequest } from '../../../core/plugin-api.js'

/** What an agent is told to do, and what the sidecar offers it. `calls`: whether it can make HTTP calls with a shell. */
export function taskText ({ task, environment }: LaunchRequest, { calls }: { calls: boolean }): string {
  const parts = [task.trim()]
  if (environment.CONTEXT_FILE !== undefined) {
    parts.push(`The files and facts that were chosen for this task are in the JSON file ${environment.CONTEXT_FILE}, also named by the environment variable CONTEXT_FILE. Read it first.`)
  }
  if (calls) parts.push(api(environment.SIDECAR_CA !== undefined))
  parts.push('Work in the current directory. Nobody answers questions: decide, and say in your last message what you did, what you decided and what is left. That message is stored as your result, unless you store one yourself.')
  return `${parts.join('\n\n')}\n`
}

/** The token comes by standard input: other users can read the arguments of a process. */
const api = (hasCertificate: boolean): string => `A server beside this repository connects you with other agents. Its address is in SIDECAR_URL, your token in JWT_TOKEN, and AGENT_ID, AGENT_TYPE and ISSUE_ID say who you are. Call it like this, and never write the token into a file, an argument or a message:

    printf 'authorization: Bearer %s' "$JWT_TOKEN" | curl -sS${hasCertificate ? ' --cacert "$SIDECAR_CA"' : ''} -H @- -H 'content-type: application/json' "$SIDECAR_URL/agents/$AGENT_ID/status" -d '{"message":"half done"}'

- POST /agents/$AGENT_ID/status {"message"}: what you are at.
- GET /context/$ISSUE_ID/$AGENT_TYPE: the context as it is now.
- GET /results?issue_id=$ISSUE_ID: what other agents did.
- POST /events/<type> {"topic","data"} and GET /events/wait/<type>?timeout=30000: tell and hear.
- POST /results {"agent_id","agent_type","issue_id","result":{"status","files_created":[],"files_modified":[],"decisions":[],"errors":[],"warnings":[]}}: your result; the status is success or failed.`

/** For CLIs without a system prompt of the caller's: what the agent is comes before what it is to do. */
export function promptAndTask (request: LaunchRequest, options: { calls: boolean }): string {
  return `${request.prompt.trim()}\n\n${taskText(request, options)}`
}
