import type { AgentSign, Spawner } from '../contracts/spawner.js'
import type { ContractFactory, ContractOptions } from './contract-test.js'
import type { TestFunction } from './runner.js'
import { adoptTests } from './spawner/adopt.js'
import { exitTests } from './spawner/exit.js'
import { signTests } from './spawner/signs.js'
import { spawnerTest } from './spawner/spawner-test.js'
import { startTests } from './spawner/start.js'
import { stopTests } from './spawner/stop.js'

export interface SpawnerOptions extends ContractOptions {
  /** A scratch folder, the same for all instances of one test: what an instance keeps, it keeps here. */
  directory: string
  /** What the spawner under test runs as its agent: a program and its arguments. It may add further arguments. */
  command: string[]
}

/** What an agent says on its standard output, and what the spawner makes of it. */
export interface Transcript {
  /** Each without a line feed. A spawner of `signs: 'events'` must show something for the first one already. */
  lines: string[]
  /** The signs that they make, in order, without `alive`. */
  signs: AgentSign[]
}

export interface SpawnerContract {
  test: TestFunction
  /** Called again with the same folder and command, it makes an instance as after a restart of the sidecar. */
  create: ContractFactory<Spawner, SpawnerOptions>
  /** An existing folder in which each test makes one of its own; the caller removes it afterwards. */
  directory: string
  /** Needed for a spawner of `signs: 'events'`, which understands what its agents say; ends with their final word. */
  transcript?: Transcript
  /** Variables that the spawner adds to the environment of its agents, as its documentation names them. */
  adds?: readonly string[]
}

/**
 * Registers the tests that every spawner passes. They run small Node programs on this machine, for which agents
 * must see the files of `directory`.
 */
export function spawnerContract (contract: SpawnerContract): void {
  const check = spawnerTest(contract)
  startTests(check)
  exitTests(check)
  stopTests(check)
  adoptTests(check)
  signTests(check)
}
