/**
 * What the spawners under test run, an ES module. Arguments: what to do, the folder to tell things in, and a detail.
 * It ends itself after a minute, so that a spawner that fails the suite leaves nothing behind for long.
 */
export const AGENT_PROGRAM = `
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const [mode, folder, detail] = process.argv.slice(2)
setTimeout(() => process.exit(99), 60_000).unref()

function tell (name, value) {
  const temporary = join(folder, name + '.' + process.pid)
  writeFileSync(temporary, JSON.stringify(value))
  renameSync(temporary, join(folder, name))
}

function child (childMode, stdio) {
  return spawn(process.execPath, [process.argv[1], childMode, folder, detail ?? ''], { stdio })
}

function finishWhenTold () {
  const timer = setInterval(() => {
    if (!existsSync(join(folder, 'finish'))) return
    clearInterval(timer)
    process.exit(Number(detail ?? 0))
  }, 10)
}

const modes = {
  report () {
    console.log('said on stdout: Größe 世界')
    console.error('said on stderr')
    process.exitCode = Number(detail ?? 0)
    tell('report', { environment: process.env, directory: process.cwd(), pid: process.pid })
  },
  wait () {
    process.on('SIGTERM', () => {
      tell('asked', true)
      process.exit(0)
    })
    finishWhenTold()
    tell('ready', process.pid)
  },
  say () {
    finishWhenTold()
    let next = 1
    setInterval(() => {
      const name = join(folder, 'say-' + next)
      if (!existsSync(name)) return
      const text = readFileSync(name)
      for (let written = 0; written < text.length;) written += writeSync(1, text, written)
      tell('said-' + next++, true)
    }, 10)
    tell('ready', process.pid)
  },
  parent () {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
    child('stubborn', 'inherit')
    setInterval(() => {}, 1000)
    tell('ready', process.pid)
  },
  stubborn () {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {})
    setInterval(() => {}, 1000)
    tell('grandchild', process.pid)
  },
  leave () {
    child('linger', 'ignore').unref()
    const timer = setInterval(() => {
      if (!existsSync(join(folder, 'grandchild'))) return
      clearInterval(timer)
      process.exit(3)
    }, 10)
  },
  linger () {
    tell('grandchild', process.pid)
    setTimeout(() => {}, 2_000)
  },
  flood () {
    process.stdout.write('x'.repeat(79).concat('\\n').repeat(25_000), () => {
      console.log('last words')
      tell('report', true)
    })
  },
  crash () {
    process.kill(process.pid, 'SIGKILL')
  }
}

modes[mode]()
`
