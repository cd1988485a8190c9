import type { Spawner } from '../contracts/spawner.js'
import type { ContractFactory, ContractOptions } from './contract-test.js'
import type { TestFunction } from './runner.js'
import { adoptTests } from './spawner/adopt.js'
import { exitTests } from './spawner/exit.js'
import { spawnerTest } from './spawner/spawner-test.js'
import { startTests } from './spawner/start.js'
import { stopTests } from './spawner/stop.js'

export interface SpawnerOptions extends ContractOptions {
  /** A scratch folder, the same for all instances of one test: what an instance keeps, it keeps here. */
  directory: string
  /** What the spawner under test runs as its agent: a program and its arguments. It may add further arguments. */
  command: string[]
}

export interface SpawnerContract {
  test: TestFunction
  /** Called again with the same folder and command, it makes an instance as after a restart of the sidecar. */
  create: ContractFactory<Spawner, SpawnerOptions>
  /** An existing folder in which each test makes one of its own; the caller removes it afterwards. */
  directory: string
}

/**
 * Registers the tests that every spawner passes. They run small Node programs on this machine, for which agents
 * must see the files of `directory`.
 */
export function spawnerContract ({ test, create, directory }: SpawnerContract): void {
  const check = spawnerTest({ test, create, directory })
  startTests(check)
  exitTests(check)
  stopTests(check)
  adoptTests(check)
}
