// CPU time of processes that are not ours to ask: database servers, also those that ran before us.
// Linux writes it down per thread in nanoseconds; other systems are not read.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Reads the CPU time that some processes and their descendants have used so far, in milliseconds. */
export type CpuReader = () => number

/**
 * Returns a reader for the processes of `pids` and all that they start; undefined where the system
 * does not let us read them. Time of threads that have ended stays counted if it was seen once.
 */
export const cpuOf = (pids: readonly number[]): CpuReader | undefined => {
  const seenNs = new Map<string, number>()
  const read = (): number => {
    for (const pid of pids.flatMap(withDescendants))
      for (const thread of list(`/proc/${pid}/task`)) {
        const text = contents(`/proc/${pid}/task/${thread}/schedstat`)
        const ns = Number(text?.split(' ', 1)[0])
        if (text !== undefined && Number.isFinite(ns)) seenNs.set(`${pid}/${thread}`, ns)
      }
    let sumNs = 0
    for (const ns of seenNs.values()) sumNs += ns
    return sumNs / 1e6
  }
  read()
  return seenNs.size > 0 ? read : undefined
}

/** The process that listens on a TCP port of this machine; undefined where it cannot be found out. */
export const listenerOn = (port: number): number | undefined => {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
      (contents(file) ?? '')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === listening && fields[1]?.endsWith(`:${hex}`))
        .map((fields) => `socket:[${fields[9]}]`),
    ),
  )
  if (inodes.size === 0) return undefined
  const owners = list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      list(`/proc/${pid}/fd`).some((fd) => inodes.has(link(`/proc/${pid}/fd/${fd}`))),
    )
    .map(Number)
  // A server that forks shares its listening socket with its children; the eldest is the server.
  return owners.sort((a, b) => a - b).find((pid) => !owners.includes(parentOf(pid)))
}

const listening = '0A'

const withDescendants = (pid: number): number[] => {
  const children = list(`/proc/${pid}/task`).flatMap((thread) =>
    (contents(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(withDescendants)]
}

const parentOf = (pid: number): number =>
  Number(/\) . (\d+)/.exec(contents(`/proc/${pid}/stat`) ?? '')?.[1] ?? 0)

/** Jiffies that this machine had in all, and that the hypervisor gave to others; undefined where unknown. */
export const readSteal = (): { all: number; stolen: number } | undefined => {
  const [name, ...fields] = (contents('/proc/stat') ?? '').split('\n', 1)[0]?.split(/\s+/) ?? []
  if (name !== 'cpu') return undefined
  // user, nice, system, idle, iowait, irq, softirq, steal; guest times are in user already.
  const jiffies = fields.slice(0, 8).map(Number)
  return { all: jiffies.reduce((a, b) => a + b, 0), stolen: jiffies[7] ?? 0 }
}

const orUndefined = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}
// A process may end, or belong to somebody else, at any moment: then there is nothing to read.
const list = (folder: string): string[] => orUndefined(() => readdirSync(folder)) ?? []
const contents = (file: string): string | undefined => orUndefined(() => readFileSync(file, 'utf8'))
const link = (file: string): string => orUndefined(() => readlinkSync(file)) ?? ''
