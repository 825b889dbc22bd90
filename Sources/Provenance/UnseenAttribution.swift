import Grants

extension Attribution {
  /// The attribution of a change that nobody was seen to make; `reason` says why not.
  package static func unseen(reason: String) -> Attribution {
    Attribution(
      actor: Actor(), provenance: .unknown, confidence: .weak, agent: nil, via: nil,
      process: ProcessKey(pid: 0, start: 0), rootKey: "unseen", chainText: "", source: "state",
      because: [reason], skipsPermissions: false, packageManager: false, chain: [],
      complete: false)
  }
}
