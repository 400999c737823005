// The first screen: one question, a bet, and a measured answer within seconds. The catalogue is below.
import { Catalogue } from '../catalogue/catalogue.tsx'
import { Bet } from './bet.tsx'

export const Home = () => (
  <>
    <Bet />
    <Catalogue />
  </>
)
