/// A hostile worker's records and reports: the proxy lists nobody on them whom it should not.

#include "codec/hex.h"
#include "unit/core/rogue_worker.h"

namespace cocoon::core::test {
namespace {

/// A hostile worker beside an honest one.
class HostileRecord : public ::testing::Test {
 protected:
  HostileRecord() : net({.workers = 2}) {}

  RogueWorker& boot(const std::function<void(RogueWorker&)>& prepare) {
    net.proxy().boot();
    RogueWorker& rogue = boot_rogue_worker(net, net.worker(0), prepare);
    net.boot();
    return rogue;
  }
  /// The proxy ends the connection with `code`, and requests go to the honest worker.
  void expect_thrown_out(const RogueWorker& rogue, std::string_view code) {
    ASSERT_TRUE(rogue.ended);
    EXPECT_TRUE(net.said(net.proxy(), code)) << rogue.ended->detail();
    expect_others_served();
  }
  void expect_others_served() {
    for (int i = 0; i < 4; ++i) {
      const Asked asked = net.ask();
      net.expect_served(asked);
      EXPECT_EQ(net.outcome(asked).worker, to_hex(net.worker(1).account().view()));
    }
  }

  Network net;
};

struct RecordLie {
  const char* name;
  std::string_view code;
  std::function<void(Network&, wire::WorkerRecord&)> tell;
};
class HostileRecords : public HostileRecord, public ::testing::WithParamInterface<RecordLie> {};

TEST_P(HostileRecords, AreRefused) {
  RogueWorker& rogue = boot([&](RogueWorker& r) {
    r.edit_record = [&](wire::WorkerRecord& record) { GetParam().tell(net, record); };
  });
  expect_thrown_out(rogue, GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(
    All, HostileRecords,
    ::testing::Values(
        RecordLie{"ForeignAccount", "worker_record_mismatch",
                  [](Network& net, wire::WorkerRecord& r) { r.account = net.worker(1).account(); }},
        RecordLie{"ForeignBootKey", "worker_record_mismatch",
                  [](Network&, wire::WorkerRecord& r) { r.boot_key.bytes[0] ^= 1; }},
        RecordLie{"ForeignEvidence", "worker_record_mismatch",
                  [](Network&, wire::WorkerRecord& r) { r.evidence.bytes[0] ^= 1; }},
        RecordLie{"ForeignNetwork", "worker_record_mismatch",
                  [](Network&, wire::WorkerRecord& r) { r.network.bytes[0] ^= 1; }},
        RecordLie{"Expired", "worker_record_expired",
                  [](Network& net, wire::WorkerRecord& r) {
                    r.not_before = net.world.now.unix - Seconds(100);
                    r.not_after = net.world.now.unix - Seconds(1);
                  }},
        RecordLie{"NotValidYet", "worker_record_expired",
                  [](Network& net, wire::WorkerRecord& r) {
                    r.not_before = net.world.now.unix + Seconds(100);
                    r.not_after = net.world.now.unix + Seconds(200);
                  }},
        RecordLie{"UnregisteredModel", "model_not_registered",
                  [](Network&, wire::WorkerRecord& r) { r.models.push_back("sim/secret"); }},
        RecordLie{"HugeCapacity", "bad_worker_record",
                  [](Network&, wire::WorkerRecord& r) { r.capacity = 0xffffffff; }},
        RecordLie{"HugeCoefficient", "bad_worker_record",
                  [](Network&, wire::WorkerRecord& r) { r.coefficient_e3 = 0xffffffff; }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(HostileRecord, OneWithoutCapacityIsGivenNothing) {
  RogueWorker& rogue = boot([](RogueWorker& r) {
    r.edit_record = [](wire::WorkerRecord& record) { record.capacity = 0; };
  });
  expect_others_served();
  EXPECT_FALSE(rogue.ended);
  EXPECT_EQ(rogue.jobs(), 0u);
}

TEST_F(HostileRecord, MoreFreeSlotsThanItsCapacityAreNotBelieved) {
  RogueWorker& rogue = boot([](RogueWorker& r) {
    r.edit_record = [](wire::WorkerRecord& record) { record.capacity = 1; };
    r.act = [](RogueWorker::Job&) {};  // never answers
  });
  wire::WorkerStatus status;
  status.ready = true;
  status.free_slots = 0xffffffff;
  rogue.send(status);
  net.run(Millis(50));
  std::vector<Asked> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(net.ask());
    net.run(Millis(20));
  }
  net.run(Millis(2000));
  EXPECT_LE(rogue.jobs(), 1u);
  for (const Asked& asked : all) (void)net.outcome(asked);
}

TEST_F(HostileRecord, AStatusBeforeTheRecordEndsTheConnection) {
  RogueWorker& rogue = boot([](RogueWorker& r) { r.sends_record = false; });
  rogue.send_status();
  net.run(Millis(50));
  expect_thrown_out(rogue, "status_before_record");
}

TEST_F(HostileRecord, ARecordSignedByAnotherKeyIsRefused) {
  RogueWorker& rogue = boot([](RogueWorker& r) { r.sends_record = false; });
  net.meddle = [&](Hop& hop) {
    auto* record = hop.as<wire::SignedWorkerRecord>();
    if (record == nullptr || &hop.from != &net.worker(0)) return;
    const auto signature =
        net.worker(0).account_key().sign(wire::worker_record_signing_bytes(record->record));
    record->signature = hop.keep(Bytes(signature.begin(), signature.end()));
  };
  rogue.send_record();
  net.run(Millis(50));
  expect_thrown_out(rogue, "bad_signature");
}

TEST_F(HostileRecord, AnotherWorkersSealingKeyIsRefused) {
  RogueWorker& rogue = boot([](RogueWorker& r) { r.sends_record = false; });
  ByteArray<32> key{};
  net.meddle = [&](Hop& hop) {
    if (auto* answer = hop.as<wire::Candidates>(); answer && !answer->workers.empty()) {
      key = wire::decode_worker_record(answer->workers[0].record.record)->sealing_key;
    }
  };
  net.expect_served(net.ask());
  rogue.edit_record = [&](wire::WorkerRecord& r) { r.sealing_key = key; };
  rogue.send_record();
  net.run(Millis(50));
  expect_thrown_out(rogue, "sealing_key_taken");
}

TEST_F(HostileRecord, ALaterRecordIsCheckedLikeTheFirst) {
  RogueWorker& rogue = boot([](RogueWorker& r) { r.act = [](RogueWorker::Job&) {}; });
  ASSERT_FALSE(rogue.ended);
  rogue.edit_record = [](wire::WorkerRecord& r) { r.capacity = 0xffffffff; };
  rogue.send_record();
  net.run(Millis(50));
  expect_thrown_out(rogue, "bad_worker_record");
}

struct HelloLie {
  const char* name;
  std::string_view code;
  std::function<void(RogueWorker&, wire::Hello&)> tell;
};
class HostileWorkerHello : public HostileRecord, public ::testing::WithParamInterface<HelloLie> {};

TEST_P(HostileWorkerHello, IsRefused) {
  RogueWorker& rogue = boot([&](RogueWorker& r) {
    r.edit_hello = [&r](wire::Hello& hello) { GetParam().tell(r, hello); };
  });
  EXPECT_FALSE(rogue.admitted);
  expect_thrown_out(rogue, GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(
    All, HostileWorkerHello,
    ::testing::Values(
        HelloLie{"Network", "wrong_network",
                 [](RogueWorker&, wire::Hello& h) { h.network.bytes[0] ^= 1; }},
        HelloLie{"Account", "wrong_account",
                 [](RogueWorker&, wire::Hello& h) { h.account.bytes[0] ^= 1; }},
        HelloLie{"EpochRecord", "bad_epoch_record",
                 [](RogueWorker&, wire::Hello& h) { h.epoch_record = h.epoch_record.first(10); }},
        HelloLie{"EpochSignature", "bad_signature",
                 [](RogueWorker&, wire::Hello& h) {
                   static constexpr ByteArray<64> kNone{};
                   h.epoch_signature = kNone;
                 }},
        HelloLie{"RoleOfAProxy", "unexpected_role",
                 [](RogueWorker&, wire::Hello& h) { h.role = wire::Role::proxy; }},
        HelloLie{"RoleOfAClient", "no_channel",
                 [](RogueWorker&, wire::Hello& h) { h.role = wire::Role::client; }},
        HelloLie{"Version", "version_unsupported",
                 [](RogueWorker&, wire::Hello& h) { h.lowest_version = h.highest_version = 2; }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(HostileRecord, ASecondHelloEndsTheConnection) {
  RogueWorker& rogue = boot(nullptr);
  wire::Hello hello;
  hello.role = wire::Role::worker;
  hello.network = rogue.identity.network;
  hello.account = rogue.identity.account.account_id();
  const Bytes epoch = rogue.identity.epoch.value.encode();
  hello.epoch_record = epoch;
  hello.epoch_signature = rogue.identity.epoch.signature;
  rogue.send_raw(hello);
  net.run(Millis(50));
  expect_thrown_out(rogue, "unexpected_hello");
}

TEST_F(HostileRecord, ClientsMessagesEndTheConnection) {
  RogueWorker& rogue = boot(nullptr);
  wire::CandidatesRequest ask;
  ask.model = "sim/model";
  ask.count = 1;
  rogue.send(ask);
  net.run(Millis(50));
  expect_thrown_out(rogue, "unexpected_message");
}

TEST_F(HostileRecord, APayoutThatTheProxyNeverSignedEndsTheConnection) {
  RogueWorker& rogue = boot(nullptr);
  const auto forged =
      billing::sign(billing::PayoutVoucher{rogue.identity.network, net.proxy().account(),
                                           rogue.identity.account.account_id(), Nano{1'000'000}},
                    rogue.identity.account);
  const Bytes bytes = forged.value.encode();
  rogue.send(wire::Payout{bytes, forged.signature});
  net.run(Millis(50));
  expect_thrown_out(rogue, "bad_signature");
}

}  // namespace
}  // namespace cocoon::core::test
