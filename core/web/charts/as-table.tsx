// What a chart shows, for whoever would rather read: under each chart, closed until it is asked for.
import type { ComponentChildren } from 'preact'
import './as-table.css'

/** `children`: what belongs into the table. */
export const AsTable = ({
  summary = 'As a table',
  children,
}: {
  summary?: string
  children: ComponentChildren
}) => (
  <details class="as-table">
    <summary>{summary}</summary>
    <div class="scroll">
      <table>{children}</table>
    </div>
  </details>
)
