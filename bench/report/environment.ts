// The end of every report: the line that does it again, and on what it was done.
import type { Measurement } from '#core/measurement/run'
import { bytes, escaped } from './text.ts'

/** A heading and what stands beside it, one line or several. */
export type Fact = [name: string, ...lines: string[]]

/** What a machine is, and the backends that took part. */
export const machineFacts = (machine: Measurement['machine']): Fact[] => {
  const backends = Object.entries(machine.backends).map(
    ([name, { version, via, standIn }]) =>
      `${name} ${version} (${via})${standIn ? ', a stand-in for the real one' : ''}`,
  )
  return [
    ['Machine', `${machine.cpu}, ${machine.cores} cores, ${bytes(machine.memoryBytes)}`],
    ['System', `${machine.os}${machine.container ? ', in a container' : ''}`],
    ['Node', `${machine.node} (V8 ${machine.v8})`],
    ['Backends', ...(backends.length > 0 ? backends : ['none outside of the server process'])],
  ]
}

/** The section with both. */
export const environmentSection = (command: string, facts: readonly Fact[]): string =>
  `<section aria-labelledby="environment"><h2 id="environment">Where, and how to do it again</h2>
<pre><code>${escaped(command)}</code></pre>
<dl>${facts
    .map(
      ([name, ...lines]) =>
        `<dt>${escaped(name)}</dt><dd>${lines.map((text) => escaped(text)).join('<br>')}</dd>`,
    )
    .join('')}</dl>
</section>`
