// Make a variant your own: change its code, run it as a third contender, prove it, measure it.
import { useEffect } from 'preact/hooks'
import { plain } from '../../plain.ts'
import { readProofs } from '../investigate/claims-known.ts'
import type { Pair } from '../pair.ts'
import { Side, Trouble } from '../ui/parts.tsx'
import { CodeEditor, WhatChanged } from './code-editor.tsx'
import { Ideas } from './ideas.tsx'
import { MeasureCard } from './measure.tsx'
import './modify.css'
import { ProveCard } from './prove.tsx'
import { Notices, Toolbar } from './toolbar.tsx'
import { workOn } from './work.ts'

export const Modify = (pair: Pair) => {
  const { entry, a } = pair
  const work = workOn(entry.id)
  useEffect(() => {
    void work.begin(a.variant)
    readProofs(entry.id).catch(() => {})
  }, [work])
  const { shown, basedOn, trouble } = work
  if (!shown.value)
    return trouble.value ? (
      <Trouble>{plain(trouble.value)}</Trouble>
    ) : (
      <p class="getting-ready">Getting ready…</p>
    )
  const from = entry.variants.find(({ id }) => id === basedOn.value)
  return (
    <div class="own-variant">
      <div class="intro">
        <p class="lead">
          Change the code, save it, and it runs beside the others as <Side name="C" />, your own
          variant. Then find out what your change has broken, and what it costs.
        </p>
        <p class="rights">
          {shown.value.refused ? (
            <strong>{plain(shown.value.refused)}</strong>
          ) : (
            <>
              This runs with the rights of Seesaw’s lab on your machine. Paste nothing you do not
              trust.
            </>
          )}
        </p>
      </div>
      <div class="write">
        <Toolbar pair={pair} work={work} />
        <Notices work={work} />
        <CodeEditor key={entry.id} work={work} title={plain(from?.title ?? basedOn.value)} />
        <WhatChanged work={work} />
      </div>
      <div class="next">
        <Ideas pair={pair} work={work} />
        <ProveCard pair={pair} work={work} />
        <MeasureCard pair={pair} work={work} />
      </div>
    </div>
  )
}
