// Starts the example agent for AGENT_TYPE. Progress goes to standard output, the reason of a failure to standard error.
import { connect } from './sidecar.mjs'
import { roleOf } from './roles.mjs'

async function main () {
  const sidecar = connect()
  try {
    const { default: agent } = await import(`./${roleOf(sidecar.agentType)}.mjs`)
    await agent(sidecar)
  } catch (error) {
    await storeFailure(sidecar, error)
    throw error
  }
}

/** Whoever waits for this agent learns why nothing comes. Where even that fails, the first error is the one to report. */
async function storeFailure (sidecar, error) {
  if (sidecar.stored) return
  const result = { status: 'failed', decisions: [], errors: [error.message] }
  await sidecar.store(result).catch(() => {})
}

main().catch((error) => {
  console.error(`${process.env.AGENT_TYPE ?? 'agent'}: ${error.message}`)
  process.exit(1)
})
