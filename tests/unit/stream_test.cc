// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream_test.h"

#include <cstring>

igbvf_ident ident_of(u16 device) {
  igbvf_ident ident{};
  EXPECT_EQ(igbvf_ident_of(0x8086, device, &ident), 0);
  return ident;
}

igbvf_state sample_of(u16 device) {
  igbvf_state state;
  EXPECT_EQ(sample_state(device, &state), 0);
  return state;
}

namespace {

u32 below(std::mt19937_64 &rng, u32 bound) {
  return std::uniform_int_distribution<u32>(0, bound - 1)(rng);
}

void random_mac(std::mt19937_64 &rng, u8 *mac) {
  for (int i = 0; i < IGBVF_ETH_ALEN; i++)
    mac[i] = static_cast<u8>(rng());
  mac[0] = static_cast<u8>((mac[0] & ~1) | 2);
}

// Length, head and tail of a ring that the device can walk when it is on.
template <typename Queue>
void random_ring(std::mt19937_64 &rng, bool enabled, Queue &queue) {
  queue.base = rng() & ~u64{IGBVF_RING_ALIGN - 1};
  queue.length =
      (below(rng, IGBVF_RING_MAX_LENGTH / IGBVF_RING_ALIGN) + 1) *
      IGBVF_RING_ALIGN;
  const u32 descriptors = queue.length / IGBVF_DESCRIPTOR_SIZE;
  queue.head = below(rng, enabled ? descriptors : IGBVF_HEAD_MASK + 1);
  queue.tail = below(rng, enabled ? descriptors : IGBVF_HEAD_MASK + 1);
}

void random_mailbox(std::mt19937_64 &rng, igbvf_mailbox_state &m) {
  m.flags = static_cast<u32>(rng()) & (IGBVF_MBX_CTS | IGBVF_MBX_PROMISC_MULTICAST |
                                       IGBVF_MBX_VFU);
  m.latched = static_cast<u32>(rng()) & IGBVF_MBX_R2C;
  if (below(rng, 4)) {
    m.flags |= IGBVF_MBX_MAC_VALID;
    random_mac(rng, m.mac);
    m.unicast_count = static_cast<u8>(below(rng, IGBVF_MAX_UNICAST + 1));
  }
  for (int i = 0; i < m.unicast_count; i++)
    random_mac(rng, m.unicast[i]);
  if (below(rng, 4)) {
    m.flags |= IGBVF_MBX_MULTICAST;
    m.multicast_count = static_cast<u8>(below(rng, IGBVF_MAX_MULTICAST + 1));
    if (m.multicast_count == IGBVF_MAX_MULTICAST)
      m.flags |= IGBVF_MBX_MULTICAST_OVERFLOW;
  }
  for (int i = 0; i < m.multicast_count; i++)
    m.multicast[i] = static_cast<u16>(below(rng, 0x1000));
  if (below(rng, 2)) {
    m.flags |= IGBVF_MBX_LPE;
    m.max_frame = below(rng, IGBVF_MAX_FRAME) + 1;
  }
  for (u32 &word : m.memory)
    word = static_cast<u32>(rng());
  if (below(rng, 2)) {
    m.flags |= IGBVF_MBX_PENDING;
    m.memory[0] = (below(rng, IGBVF_MSG_SET_PROMISC) + 1) |
                  below(rng, 0x100) << IGBVF_MSG_INFO_SHIFT;
  }
  for (u32 &word : m.vlans)
    word = static_cast<u32>(rng());
  m.vlans[0] &= ~1U;
}

} // namespace

igbvf_state random_state(std::mt19937_64 &rng, u16 device) {
  igbvf_state state{};
  state.ident = ident_of(device);
  random_mailbox(rng, state.mailbox);
  for (u32 q = 0; q < state.ident.queues; q++) {
    igbvf_rx_queue_state &rx = state.rx[q];
    rx.rxdctl = static_cast<u32>(rng()) & IGBVF_RXDCTL_MASK;
    rx.srrctl = (static_cast<u32>(rng()) & IGBVF_SRRCTL_MASK &
                 ~IGBVF_SRRCTL_DESCTYPE) |
                below(rng, 6) << 25;
    rx.dca_rxctrl = static_cast<u32>(rng()) & IGBVF_DCA_RXCTRL_MASK;
    random_ring(rng, rx.rxdctl & IGBVF_QUEUE_ENABLE, rx);

    igbvf_tx_queue_state &tx = state.tx[q];
    tx.txdctl = static_cast<u32>(rng()) & IGBVF_TXDCTL_MASK;
    tx.dca_txctrl = static_cast<u32>(rng()) & IGBVF_DCA_TXCTRL_MASK;
    tx.head_writeback = rng();
    random_ring(rng, tx.txdctl & IGBVF_QUEUE_ENABLE, tx);
  }
  igbvf_interrupt_state &in = state.interrupts;
  in.eims = static_cast<u32>(rng()) & IGBVF_VECTORS_MASK;
  in.eiac = static_cast<u32>(rng()) & IGBVF_VECTORS_MASK;
  in.eiam = static_cast<u32>(rng()) & IGBVF_VECTORS_MASK;
  for (u32 &eitr : in.eitr)
    eitr = static_cast<u32>(rng()) & IGBVF_EITR_MASK;
  in.ivar0 = static_cast<u32>(rng()) & IGBVF_IVAR0_MASK;
  in.ivar_misc = static_cast<u32>(rng()) & IGBVF_IVAR_MISC_MASK;
  in.psrtype = static_cast<u32>(rng()) & IGBVF_PSRTYPE_MASK;
  for (u32 &value : state.statistics)
    value = static_cast<u32>(rng());
  return state;
}

igbvf_state random_registers(std::mt19937_64 &rng, u16 device) {
  igbvf_state state;
  u8 *bytes = reinterpret_cast<u8 *>(&state);
  for (size_t i = 0; i < sizeof(state); i++)
    bytes[i] = static_cast<u8>(rng());
  state.ident = ident_of(device);
  return state;
}

void expect_equal(const igbvf_state &a, const igbvf_state &b) {
  EXPECT_EQ(a.ident.vendor, b.ident.vendor);
  EXPECT_EQ(a.ident.device, b.ident.device);
  EXPECT_EQ(a.ident.features, b.ident.features);
  ASSERT_EQ(a.ident.queues, b.ident.queues);

  const igbvf_mailbox_state &ma = a.mailbox, &mb = b.mailbox;
  EXPECT_EQ(ma.flags, mb.flags);
  EXPECT_EQ(ma.latched, mb.latched);
  EXPECT_EQ(ma.max_frame, mb.max_frame);
  EXPECT_EQ(memcmp(ma.mac, mb.mac, sizeof(ma.mac)), 0);
  EXPECT_EQ(ma.unicast_count, mb.unicast_count);
  EXPECT_EQ(ma.multicast_count, mb.multicast_count);
  EXPECT_EQ(memcmp(ma.multicast, mb.multicast, sizeof(ma.multicast)), 0);
  EXPECT_EQ(memcmp(ma.unicast, mb.unicast, sizeof(ma.unicast)), 0);
  EXPECT_EQ(memcmp(ma.memory, mb.memory, sizeof(ma.memory)), 0);
  EXPECT_EQ(memcmp(ma.vlans, mb.vlans, sizeof(ma.vlans)), 0);

  for (u32 q = 0; q < a.ident.queues; q++) {
    EXPECT_EQ(a.rx[q].base, b.rx[q].base);
    EXPECT_EQ(a.rx[q].length, b.rx[q].length);
    EXPECT_EQ(a.rx[q].srrctl, b.rx[q].srrctl);
    EXPECT_EQ(a.rx[q].head, b.rx[q].head);
    EXPECT_EQ(a.rx[q].tail, b.rx[q].tail);
    EXPECT_EQ(a.rx[q].rxdctl, b.rx[q].rxdctl);
    EXPECT_EQ(a.rx[q].dca_rxctrl, b.rx[q].dca_rxctrl);
    EXPECT_EQ(a.tx[q].base, b.tx[q].base);
    EXPECT_EQ(a.tx[q].head_writeback, b.tx[q].head_writeback);
    EXPECT_EQ(a.tx[q].length, b.tx[q].length);
    EXPECT_EQ(a.tx[q].head, b.tx[q].head);
    EXPECT_EQ(a.tx[q].tail, b.tx[q].tail);
    EXPECT_EQ(a.tx[q].txdctl, b.tx[q].txdctl);
    EXPECT_EQ(a.tx[q].dca_txctrl, b.tx[q].dca_txctrl);
  }

  const igbvf_interrupt_state &ia = a.interrupts, &ib = b.interrupts;
  EXPECT_EQ(ia.eims, ib.eims);
  EXPECT_EQ(ia.eiac, ib.eiac);
  EXPECT_EQ(ia.eiam, ib.eiam);
  EXPECT_EQ(memcmp(ia.eitr, ib.eitr, sizeof(ia.eitr)), 0);
  EXPECT_EQ(ia.ivar0, ib.ivar0);
  EXPECT_EQ(ia.ivar_misc, ib.ivar_misc);
  EXPECT_EQ(ia.psrtype, ib.psrtype);
  EXPECT_EQ(memcmp(a.statistics, b.statistics, sizeof(a.statistics)), 0);
}

Bytes stream_of(const igbvf_state &state) {
  Bytes stream(IGBVF_STATE_MAX_SIZE);
  const int used = igbvf_stream_write(&state, stream.data(), stream.size());
  EXPECT_GT(used, 0);
  stream.resize(used > 0 ? used : 0);
  return stream;
}

Outcome read_whole(const Bytes &stream, u16 device) {
  const igbvf_ident want = ident_of(device);
  igbvf_stream_reader reader;
  igbvf_stream_reader_init(&reader, &want);
  const int ret = igbvf_stream_read(&reader, stream.data(), stream.size());
  return {ret, reader.complete, reader.why ? reader.why : "", reader.offset,
          reader.state};
}

void expect_refused(const Bytes &stream, int error, const std::string &why,
                    u16 device) {
  const Outcome outcome = read_whole(stream, device);
  EXPECT_EQ(outcome.ret, -error) << outcome.why;
  EXPECT_NE(outcome.why, "");
  EXPECT_NE(outcome.why.find(why), std::string::npos)
      << "said: " << outcome.why << ", expected: " << why;
}

std::vector<Section> split(const Bytes &stream) {
  std::vector<Section> sections;
  igbvf_section_header header;
  for (size_t at = 0; at + sizeof(header) <= stream.size();) {
    memcpy(&header, stream.data() + at, sizeof(header));
    at += sizeof(header);
    const auto payload = stream.begin() + static_cast<ptrdiff_t>(at);
    sections.push_back({le32toh(header.type), le16toh(header.version),
                        le16toh(header.flags),
                        Bytes(payload, payload + le32toh(header.length))});
    at += le32toh(header.length);
  }
  return sections;
}

Bytes join(const std::vector<Section> &sections) {
  Bytes stream;
  for (const Section &section : sections) {
    const igbvf_section_header header = {
        htole32(section.type), htole16(section.version), htole16(section.flags),
        htole32(static_cast<u32>(section.payload.size())), 0};
    const u8 *bytes = reinterpret_cast<const u8 *>(&header);
    stream.insert(stream.end(), bytes, bytes + sizeof(header));
    stream.insert(stream.end(), section.payload.begin(), section.payload.end());
  }
  reseal(stream.data(), stream.size(), 1);
  return stream;
}

size_t index_of(const std::vector<Section> &sections, u32 type) {
  for (size_t i = 0; i < sections.size(); i++)
    if (sections[i].type == type)
      return i;
  ADD_FAILURE() << "no section of type " << type;
  return 0;
}
