import Grants

/// What somebody gave with access that was active: it outlives the end of that access, and is shown
/// with it.
extension Engine {
  /// Lines that are kept with a grant.
  private static let mostLines = 64

  /// Notes a new grant with those that its actor held when giving it.
  func noteMadeMeanwhile(_ grant: Grant) {
    let makers = Set([grant.actor.user, grant.actor.loginUser].compactMap(\.self))
    let text = "\(grant.id): \(grant.kind.rawValue): \(summary(grant))"
    for maker in makers.sorted() where maker != "root" {
      for id in store.grants(heldBy: "user:" + maker) {
        guard let held = store[id], !held.standing, held.id != grant.id,
          held.incident != grant.incident || held.subject != grant.subject,
          held.madeMeanwhile.count < Self.mostLines, !held.madeMeanwhile.contains(text)
        else { continue }
        update(id) { $0.madeMeanwhile.append(text) }
      }
    }
  }
}
