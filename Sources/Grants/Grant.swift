package import ByteText

/// What tells a file from another that came to stand under its name.
package struct FileIdentity: Hashable, Sendable {
  package var device: UInt64
  package var inode: UInt64
  /// Birth time in nanoseconds since 1970 (statx(2)), 0 where the file system keeps none.
  package var birth: Int64
  /// The kernel's handle: its type in four bytes, little end first, then its bytes
  /// (name_to_handle_at(2)); empty where the file system gives none.
  package var handle: [UInt8]

  package init(device: UInt64, inode: UInt64, birth: Int64, handle: [UInt8] = []) {
    self.device = device
    self.inode = inode
    self.birth = birth
    self.handle = handle
  }
}

/// What a kind needs to put an entry back, and the one in whose place it stood.
///
/// A class, so that the many items of file grants pay a word for it.
package final class EntryDetail: Equatable, Sendable {
  /// Of the entry that was granted.
  package let own: String
  /// Of the one before it; empty when there was none, or it has no detail.
  package let former: String

  package init(own: String, former: String) {
    self.own = own
    self.former = former
  }

  package static func == (left: EntryDetail, right: EntryDetail) -> Bool {
    left.own == right.own && left.former == right.former
  }
}

/// One object of a grant.
package struct GrantItem: Equatable, Sendable {
  /// `file:/srv/data/f1`, `group:docker`; escaped as `ByteText.escaped` does.
  package var object: String
  /// As `Grant.before`; nil when there was nothing before.
  package var before: String?
  package var after: String?
  package var state: ItemState
  /// It has ended by being taken back, and not by somebody else's doing: it may be put back.
  package var isTakenBack = false
  /// For files: the very file the grant was given on.
  package var identity: FileIdentity?
  /// For owners, access lists and capabilities of files: what was given, as the kind writes it. For
  /// entries of which only the end is later: the entry's value.
  package var gain: String?
  /// For entries of a state that is read whole.
  package var detail: EntryDetail?

  package init(
    object: String, before: String?, after: String?, state: ItemState = .active,
    identity: FileIdentity? = nil, gain: String? = nil, detail: EntryDetail? = nil
  ) {
    self.object = object
    self.before = before
    self.after = after
    self.state = state
    self.identity = identity
    self.gain = gain
    self.detail = detail
  }
}

/// How often access was used since it was given, as far as sources tell.
package struct Usage: Equatable, Sendable {
  package var count: Int
  package var first: Timestamp
  package var last: Timestamp

  package init(at time: Timestamp) {
    count = 1
    first = time
    last = time
  }

  package init(count: Int, first: Timestamp, last: Timestamp) {
    self.count = count
    self.first = first
    self.last = last
  }

  /// Counts one more use; signals of several sources need not come in the order of their times.
  package mutating func add(_ time: Timestamp) {
    count += 1
    first = min(first, time)
    last = max(last, time)
  }
}

/// Who did it, as the kernel knows it.
package struct Actor: Equatable, Sendable {
  /// Name of the effective uid, or its number.
  package var user: String?
  /// Name of the login uid (/proc/PID/loginuid), nil when none is set.
  package var loginUser: String?
  package var pid: Int32?
  /// The command line, escaped, at most 4,096 bytes of it.
  package var command: String?
  package var uid: UInt32?
  package var loginUID: UInt32?
  /// Audit session (/proc/PID/sessionid).
  package var session: UInt32?

  package init() {}
}

/// The agent behind a grant.
package struct AgentReference: Equatable, Sendable {
  package var name: String
  package var session: String?
  package var model: String?
  /// Every agent on the way, outermost first, each name once.
  package var chain: [String]
  /// The whole chain, the human at its root first: at most `mostLinks`.
  package var delegation: [ChainLink]

  /// Without `delegation` it is the agents of `chain`.
  package init(
    name: String, session: String? = nil, model: String? = nil, chain: [String],
    delegation: [ChainLink]? = nil
  ) {
    self.name = name
    self.session = session
    self.model = model
    self.chain = chain
    self.delegation =
      delegation ?? chain.map { ChainLink(.agent, $0, id: $0 == name ? session : nil) }
    shorten()
  }
}

/// A signal or a look at the system that says who, when or why.
package struct Evidence: Equatable, Sendable {
  package var time: Timestamp
  /// `fanotify`, `process-events`, `proc`, `journal`, `state`, `advice`.
  package var source: String
  package var text: String

  package init(time: Timestamp, source: String, text: String) {
    self.time = time
    self.source = source
    self.text = text
  }
}

/// A human's consent to one exact grant or advice.
package struct Approval: Equatable, Sendable {
  package var by: String
  package var byUID: UInt32
  /// Login uid of the approver's process, nil when none was set.
  package var byLoginUID: UInt32?
  package var time: Timestamp
  package var until: Deadline
  package var reason: String
  /// `code`, `polkit`, `both` or `none`.
  package var proof: String

  package init(
    by: String, byUID: UInt32, byLoginUID: UInt32?, time: Timestamp, until: Deadline,
    reason: String, proof: String
  ) {
    self.by = by
    self.byUID = byUID
    self.byLoginUID = byLoginUID
    self.time = time
    self.until = until
    self.reason = reason
    self.proof = proof
  }
}

/// Access that exists because of one act: subject may do right on object.
package struct Grant: Equatable, Sendable {
  /// `g-` and six letters or digits.
  package var id: String
  /// `i-` and four letters or digits; the grants of one actor's one go share it.
  package var incident: String
  package var host: String
  /// There at the first start: never expires.
  package var standing = false
  package var kind: GrantKind
  /// `user:bob`, `group:staff`, `everyone`.
  package var subject: String
  /// `group:docker`, `file:/srv/data`; the common root of many items. Escaped.
  package var object: String
  package var items: [GrantItem] = []
  package var right: String
  package var state: GrantState = .active
  package var provenance: Provenance = .unknown
  package var confidence: Confidence = .weak
  package var agent: AgentReference?
  /// Agents that asked somebody else to run something of which this may be the outcome: no proof.
  package var hints: [String] = []
  /// The automation on the way, such as `dpkg`.
  package var via: String?
  package var actor = Actor()
  /// The id of the advice it follows.
  package var advice: String?
  @Rare package var approval: Approval?
  package var grantedAt: Timestamp
  /// CLOCK_BOOTTIME at `grantedAt` in boot `boot`, microseconds.
  package var grantedUp: Int64
  package var boot: String
  /// The earliest moment it can have been given, where a source was blind.
  package var earliest: Timestamp?
  package var detectedAt: Timestamp
  package var deadline: Deadline?
  package var endedAt: Timestamp?
  /// The earliest moment it can have ended, where nobody looked.
  package var endedEarliest: Timestamp?
  package var endedBy: EndedBy?
  /// How long it was active, in seconds, fixed when it ended.
  package var activeSecondsAtEnd: Double?
  package var residue: [String] = []
  /// What its holder gave while it was active, one line each: it outlives this grant.
  package var madeMeanwhile: [String] = []
  /// Nil until a source tells of a use.
  @Rare package var usage: Usage?
  /// Name of the rule that set the deadline.
  package var rule: String?
  package var severity: Severity = .low
  package var evidence: [Evidence] = []
  /// One reason a line why this provenance and this rule.
  package var because: [String] = []
  /// The alert for its detection has left.
  package var alerted = false
  /// The alert for its deadline, where the rule only alerts, has left.
  package var overdueAlerted = false
  /// The warning before its deadline has left.
  package var warned = false
  /// Tries to revoke it so far, and the error of the last one.
  package var revokeTries = 0
  package var revokeError: String?
  /// The act takes more items: at most 60 s after its first, 2 s after its last.
  package var open = true
  /// A package manager stands in the chain: never taken back by itself (law 9).
  package var fromPackageManager = false
  /// The agent ran with its permission prompts switched off.
  package var skipsPermissions = false
  /// What was said to be done, where somebody said so, and how this compares with it.
  @Rare package var intent: Intent?
  /// What is known of the agent's own question before the act.
  @Rare package var prompt: PromptEvidence?
  /// For a primary group: the one before.
  package var previousPrimary: String?
  /// Ways in for root that there were beside this grant when it was given.
  package var otherWaysIn: [String] = []
  /// The mechanism's own end that was written, nil where there is none.
  package var nativeExpiry: Timestamp?
  /// Its mechanism has no end of its own.
  package var lacksNativeExpiry = false
  /// How its taking back came out; nil before.
  package var outcome: RevocationOutcome?
  /// What its process alone told, where an advice changed the verdict.
  package var ownProvenance: Provenance?
  package var ownConfidence: Confidence?
  /// What ended or will end it when the revocation under way is done.
  package var ending: EndedBy?

  package init(
    id: String, incident: String, host: String, kind: GrantKind, subject: String, object: String,
    right: String, at now: Moment
  ) {
    self.id = id
    self.incident = incident
    self.host = host
    self.kind = kind
    self.subject = subject
    self.object = object
    self.right = right
    grantedAt = now.wall
    grantedUp = now.up
    boot = now.boot
    detectedAt = now.wall
  }

  /// Says that it was given at `time` already. What lies before this boot has no place on its
  /// clock: then the wall's clock counts.
  package mutating func backdate(to time: Timestamp) {
    let back = (grantedAt - time).microseconds
    grantedAt = time
    if back <= grantedUp {
      grantedUp -= back
    } else {
      grantedUp = 0
      boot = ""
    }
  }

  /// The items' common state before; nil where they differ.
  package var before: String? { common(\.before) }

  /// The items' common state after; nil where they differ.
  package var after: String? { common(\.after) }

  private func common(_ path: KeyPath<GrantItem, String?>) -> String? {
    guard let first = items.first?[keyPath: path] else { return nil }
    return items.allSatisfy { $0[keyPath: path] == first } ? first : nil
  }

  /// How long the access has been there at `now`, in seconds: exact on CLOCK_BOOTTIME within one
  /// boot, else by the wall's clock; never negative.
  package func activeSeconds(at now: Moment) -> Double {
    if let activeSecondsAtEnd { return activeSecondsAtEnd }
    if boot == now.boot { return max(0, Double(now.up - grantedUp) / 1_000_000) }
    return max(0, (now.wall - grantedAt).seconds)
  }

  /// The lower bound of `activeSeconds`: it may have ended as early as `endedEarliest`.
  package func activeSecondsMin(at now: Moment) -> Double {
    let seconds = activeSeconds(at: now)
    guard let endedAt, let endedEarliest else { return seconds }
    return max(0, seconds - max(0, (endedAt - endedEarliest).seconds))
  }

  /// The upper bound of `activeSeconds`: it may have been given since `earliest`.
  package func activeSecondsMax(at now: Moment) -> Double {
    let seconds = activeSeconds(at: now)
    guard let earliest else { return seconds }
    return seconds + max(0, (grantedAt - earliest).seconds)
  }
}
