/// A family of grants that is read, compared and revoked in one way.
package enum GrantKind: String, Sendable, CaseIterable {
  /// A membership in a group: of the group file, or as an account's primary group.
  case groupMember = "group-member"
  /// Permission bits of a file below a watched tree, setuid and setgid included.
  case fileMode = "file-mode"
}

/// Where a grant stands.
package enum GrantState: String, Sendable, CaseIterable {
  /// In force, no approval.
  case active
  /// In force, with a human's consent that has not ended.
  case approved
  /// A revocation is queued or under way.
  case expiring
  /// The access is gone.
  case ended
  /// The revocation failed; it is tried again and stays visible.
  case revokeFailed = "revoke-failed"
  /// The object is not the one the grant was given on; it was left alone.
  case drifted
}

/// Where one item of a grant stands.
package enum ItemState: String, Sendable {
  case active, ended, drifted
  case revokeFailed = "revoke-failed"
}

/// What ended a grant.
package enum EndedBy: String, Sendable {
  /// Its deadline came and it was taken back.
  case expired
  /// Somebody asked for it to be taken back.
  case revoked
  /// Somebody else took the access away.
  case removed
  /// Another grant that stands gives the same right.
  case superseded
}

/// The class of a grant's cause.
package enum Provenance: String, Sendable, CaseIterable {
  case agentExecuted = "agent-executed"
  case agentAdvised = "agent-advised"
  case humanViaAgent = "human-via-agent"
  case automation, human, unknown

  /// True for the classes in which an agent did it or said it.
  package var isAgents: Bool { self == .agentExecuted || self == .agentAdvised }
}

/// How well a provenance is proven.
package enum Confidence: String, Sendable, Comparable, CaseIterable {
  case weak, strong, certain

  private var rank: Int {
    switch self {
    case .weak: 0
    case .strong: 1
    case .certain: 2
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}

/// What a right is worth.
package enum Severity: String, Sendable, Comparable, CaseIterable {
  case low, medium, high, critical

  private var rank: Int {
    switch self {
    case .low: 0
    case .medium: 1
    case .high: 2
    case .critical: 3
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
