/** One bet of one customer, as it is stored. Everything in it is valid (see `bet-rules.ts`). */
export interface Bet {
  /** The agency that took the bet: 1..65535. */
  readonly agency: number;
  readonly firstName: string;
  readonly lastName: string;
  /** DNI, as text: 1 to 10 digits. */
  readonly document: string;
  /** `YYYY-MM-DD`. */
  readonly birthdate: string;
  /** The number bet on: 0..9999. */
  readonly number: number;
}
