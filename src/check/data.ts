export interface MadeBet {
  readonly firstName: string;
  readonly lastName: string;
  readonly document: string;
  /** `YYYY-MM-DD`. */
  readonly birthdate: string;
  /** As it stands in the file, with its zeros: `0007`. */
  readonly number: string;
}

/** What one client has to send: in exercise 5 its first bet, else all of them as its file. */
export interface AgencyInput {
  readonly agency: number;
  readonly bets: readonly MadeBet[];
  /** The bytes of `agency-N.csv`; may hold lines that are no bet. */
  readonly file: string;
}
