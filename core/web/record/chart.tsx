// Calls over time as a picture: from left to right in the order in which they were made, the higher the
// surer, and by shape and colour how they came out. The table below it says the same.
import { useEffect, useRef } from 'preact/hooks'
import { type Score, type Scored, scoreWords } from './progress.ts'

// Never by colour alone.
const shapes: Record<Score, string> = {
  right: 'M-4.5 0.5-1.5 3.5 4.5-3.5',
  wrong: 'M-4-4 4 4M4-4-4 4',
  untold: 'M0-5 5 0 0 5-5 0Z',
  open: 'M4.5 0A4.5 4.5 0 1 1-4.5 0 4.5 4.5 0 1 1 4.5 0Z',
}

export const Shape = ({ score }: { score: Score }) => (
  <svg class={`shape call-${score}`} viewBox="-7 -7 14 14" aria-hidden="true">
    <path d={shapes[score]} />
  </svg>
)

/** More than that would be a smear. */
const mostDrawn = 60
const levels = [100, 75, 50]
const height = 150
const top = 14
/** Calls without a confidence stand below the others. */
const unsaid = 132
/** Where the labels end. */
const labels = 58

const yOf = (confidence: number | null): number =>
  confidence === null ? unsaid : top + ((100 - confidence) / 50) * 92

export const CallChart = ({ calls }: { calls: readonly Scored[] }) => {
  const scroll = useRef<HTMLDivElement>(null)
  // The newest are the ones to see where not all have room.
  useEffect(() => {
    scroll.current?.scrollTo({ left: scroll.current.scrollWidth })
  }, [calls.length])
  const drawn = calls.slice(-mostDrawn)
  const width = labels + 20 + Math.max(12, drawn.length) * 22
  return (
    <figure class="call-chart">
      <figcaption>
        {calls.length > drawn.length ? `Your last ${drawn.length} calls` : 'Your calls'} in their
        order; the higher, the surer you were
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="scroll" ref={scroll} tabIndex={0}>
        <svg
          viewBox={`0 0 ${width} ${height}`}
          width={width}
          height={height}
          role="img"
          aria-label={drawn
            .map(({ score, confidence }) =>
              confidence === null ? scoreWords[score] : `${confidence} %: ${scoreWords[score]}`,
            )
            .join('; ')}
        >
          {levels.map((level) => (
            <g key={level} class="level">
              <text x={labels} y={yOf(level) + 4}>
                {level} %
              </text>
              <line x1={labels + 10} x2={width} y1={yOf(level)} y2={yOf(level)} />
            </g>
          ))}
          <text class="level" x={labels} y={unsaid + 4}>
            not said
          </text>
          {drawn.map((one, i) => (
            <g
              key={one.id}
              class={`shape call-${one.score}`}
              transform={`translate(${labels + 26 + i * 22} ${yOf(one.confidence)})`}
            >
              <path d={shapes[one.score]} />
            </g>
          ))}
        </svg>
      </div>
    </figure>
  )
}
