/// Verifies the ledger in a state directory without a daemon; returns the object of
/// `verify -o json`.
func verifyOffline(stateDirectory: String) throws(Failure) -> [UInt8] {
  throw Failure(.failed, "\(stateDirectory): this build cannot read a ledger without the daemon")
}
