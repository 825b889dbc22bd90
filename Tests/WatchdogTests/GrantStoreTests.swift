import Grants
import Testing
import Watchdog

@Suite struct GrantStoreTests {
  private func key(_ inode: UInt64) -> FileKey {
    FileKey(FileIdentity(device: 1, inode: inode, birth: 0))
  }

  @Test func itemsAreFoundByFileAndByName() {
    let store = GrantStore()
    store.insert(fileGrant("g-aaa", [("file:/srv/a", 1), ("file:/srv/b", 2)]))
    store.insert(fileGrant("g-bbb", [("file:/srv/a", 1)]))
    #expect(store.itemsByFile[key(1)]?.map(\.grant) == ["g-aaa", "g-bbb"])
    #expect(store.itemsByObject["file:/srv/b"]?.map(\.index) == [1])
    store.change("g-aaa") {
      $0.items.append(
        GrantItem(
          object: "file:/srv/c", before: nil, after: "0666",
          identity: FileIdentity(device: 1, inode: 3, birth: 0)))
    }
    #expect(store.itemsByFile[key(3)]?.map(\.index) == [2])
    #expect(store.itemsByFile[key(1)]?.count == 2)
  }

  @Test func endedGrantsLeaveTheIndices() {
    let store = GrantStore()
    store.insert(fileGrant("g-aaa", [("file:/srv/a", 1)]))
    store.insert(memberGrant("g-bbb", "bob", "docker"))
    let membership = GrantStore.membershipKey(subject: "user:bob", object: "group:docker")
    #expect(store.byMembership[membership] == ["g-bbb"])
    for id in ["g-aaa", "g-bbb"] { store.change(id) { $0.state = .ended } }
    #expect(store.itemsByFile.isEmpty && store.itemsByObject.isEmpty && store.byMembership.isEmpty)
    #expect(store.endedCount == 2)
    #expect(store["g-aaa"]?.state == .ended)
    store.change("g-aaa") { $0.state = .active }
    #expect(store.itemsByFile[key(1)]?.count == 1)
    #expect(store.endedCount == 1)
  }

  @Test func whatEndedGrantsHaveInCommonIsKeptOnce() throws {
    let store = GrantStore()
    let ids = ["g-aaa", "g-bbb", "g-ccc"]
    for (number, id) in ids.enumerated() {
      var grant = memberGrant(id, "bob", "docker")
      grant.because = ["a reason that is too long for a word", "number \(number / 2) of its kind"]
      grant.agent = AgentReference(name: "codex", chain: ["claude-code", "codex"])
      store.insert(grant)
    }
    func place(_ id: String) throws -> [UnsafeRawPointer?] {
      let grant = try #require(store[id])
      return [
        grant.because.withUnsafeBytes(\.baseAddress),
        grant.agent?.chain.withUnsafeBytes(\.baseAddress),
      ]
    }
    #expect(try place(ids[0]) != place(ids[1]))
    let before = ids.map { store[$0]?.because }
    for id in ids { store.change(id) { $0.state = .ended } }
    #expect(ids.map { store[$0]?.because } == before)
    #expect(try place(ids[0]) == place(ids[1]))
    #expect(try place(ids[2])[0] != place(ids[0])[0])
    #expect(try place(ids[2])[1] == place(ids[0])[1])
    store.change(ids[0]) { $0.because.append("and a later one") }
    #expect(store[ids[1]]?.because == before[1])
  }

  @Test func aReplacedGrantIsIndexedUnderItsNewNames() {
    let store = GrantStore()
    store.insert(memberGrant("g-bbb", "bob", "docker"))
    store.insert(memberGrant("g-bbb", "robert", "docker"))
    #expect(store.order == ["g-bbb"])
    #expect(
      store.byMembership[GrantStore.membershipKey(subject: "user:bob", object: "group:docker")]
        == nil)
    #expect(
      store.byMembership[GrantStore.membershipKey(subject: "user:robert", object: "group:docker")]
        == ["g-bbb"])
    store.insert(fileGrant("g-ccc", [("file:/srv/a", 1)], state: .ended))
    store.insert(fileGrant("g-ccc", [("file:/srv/a", 1)], state: .ended))
    #expect(store.endedCount == 1)
  }

  @Test func idsMayBeShortened() {
    let store = GrantStore()
    for id in ["g-abc123", "g-abd123", "g-abc"] { store.insert(memberGrant(id, "bob", id)) }
    #expect(store.ids(beginningWith: "g-abc1") == ["g-abc123"])
    #expect(store.ids(beginningWith: "g-ab") == ["g-abc123", "g-abd123", "g-abc"])
    #expect(store.ids(beginningWith: "g-ab", limit: 2).count == 2)
    #expect(store.ids(beginningWith: "g-abc") == ["g-abc"])
    #expect(store.ids(beginningWith: "g-").isEmpty)
    #expect(store.ids(beginningWith: "").isEmpty)
    #expect(store.ids(beginningWith: "g-x").isEmpty)
    #expect(store.grants(ofIncident: "i-bbbb").count == 3)
  }

  @Test func theOldestEndedAreLetGo() {
    let store = GrantStore()
    let count = GrantStore.endedLimit + GrantStore.endedLimit / 100 + 1
    store.insert(memberGrant("g-stands", "eve", "docker"))
    for number in 0..<count {
      var grant = memberGrant("g-\(number)", "bob", "g\(number)")
      grant.incident = number < 2 ? "i-olds" : "i-news"
      store.insert(grant)
    }
    #expect(store.hasIncident("i-olds"))
    for number in 0..<count { store.change("g-\(number)") { $0.state = .ended } }
    #expect(store.endedCount == GrantStore.endedLimit)
    #expect(store.order.count == GrantStore.endedLimit + 1)
    #expect(store["g-0"] == nil)
    #expect(store.isPast("g-0") && store.isPast("g-\(count - 1)") && !store.isPast("g-stands"))
    #expect(store["g-\(count - 1)"] != nil)
    #expect(store["g-stands"] != nil)
    #expect(!store.hasIncident("i-olds") && store.hasIncident("i-news"))
  }

  @Test func driftedAndEndedGrantsDoNotStand() {
    let states = GrantState.allCases.filter { GrantStore.stands(fileGrant("g", [], state: $0)) }
    #expect(Set(states) == [.active, .approved, .expiring, .revokeFailed])
  }
}
