import { most, plain } from '../figures.js'
import { childrenOf, pagesOfEnded, residentOf } from '../processes.js'
import type { Session } from '../session.js'
import type { Subject } from './subject.js'

export function reportLoop ({ loop, figures }: Subject): void {
  const worst = (of: 'p99' | 'longest'): Subject['loop'][number] => loop.reduce((one, other) => (other[of] > one[of] ? other : one))
  figures.push(
    plain('event loop held in builds, edits and by all agents, p99', worst('p99').p99, 'ms', { aim: most(10), note: `most: ${worst('p99').by}` }),
    plain('event loop held, longest', worst('longest').longest, 'ms', { note: worst('longest').by })
  )
}

/** One helper starts git, and one agents: what the server itself starts later copies its memory map and stops it meanwhile. */
const HELPERS = 2

export function reportProcesses ({ figures }: Subject, session: Session): void {
  const ended = pagesOfEnded(session.pid) > 0
  figures.push(
    plain('processes of the server itself', childrenOf(session.pid).length + (ended ? 1 : 0), '', { aim: most(HELPERS), ...(ended ? { note: 'at least one has ended' } : {}) }),
    plain('resident memory of the server', residentOf(session.pid), 'MB')
  )
}
