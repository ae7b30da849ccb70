// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/igbvf_vfio_pci/<address>/: what a support engineer asks
 * for. "status" is lines of "key: value" and one line an arc; "last_stream" is
 * the last migration data that the device gave or took, for `vferry decode`.
 */
#include "igbvfio.h"

#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

static struct dentry *root;

static void show_arcs(struct seq_file *s, const struct igbvfio_device *dev)
{
	unsigned int from, to;

	for (from = 0; from < IGBVFIO_STATES; from++) {
		for (to = 0; to < IGBVFIO_STATES; to++) {
			const struct igbvfio_arc *arc = &dev->arcs[from][to];

			if (!arc->count)
				continue;
			seq_printf(s, "arc %s %s count %llu last_ns %llu max_ns %llu\n",
				   igbvfio_state_name(from), igbvfio_state_name(to),
				   arc->count, arc->last_ns, arc->max_ns);
		}
	}
}

static void show_counters(struct seq_file *s, const struct igbvfio_counters *c)
{
	seq_printf(s, "resets: %llu\n", c->resets);
	seq_printf(s, "trapped_reads: %llu\n", c->trapped_reads);
	seq_printf(s, "trapped_writes: %llu\n", c->trapped_writes);
	seq_printf(s, "mailbox_messages: %llu\n", c->messages);
	seq_printf(s, "mailbox_refused: %llu\n", c->messages_refused);
	seq_printf(s, "mailbox_replayed: %llu\n", c->replayed);
	seq_printf(s, "dirty_pages_reported: %llu\n", c->dirty_pages);
	seq_printf(s, "dirty_reports: %llu\n", c->reports);
	seq_printf(s, "dirty_log_lost: %llu\n", c->log_lost);
	seq_printf(s, "streams_saved: %llu\n", c->streams_saved);
	seq_printf(s, "streams_loaded: %llu\n", c->streams_loaded);
	seq_printf(s, "streams_refused: %llu\n", c->streams_refused);
	seq_printf(s, "stream_bytes: %llu\n", c->stream_bytes);
	seq_printf(s, "load_ns: %llu\n", c->load_ns);
}

static int status_show(struct seq_file *s, void *unused)
{
	struct igbvfio_device *dev = s->private;
	const struct igbvf_mailbox_state *m = &dev->mailbox.state;

	igbvfio_lock_state(dev);
	igbvfio_lock_regs(dev);
	seq_printf(s, "state: %s\n", igbvfio_state_name(dev->mig_state));
	seq_printf(s, "quiesced: %d\n", dev->quiesced);
	seq_printf(s, "can_report_dirty: %d\n", !!dev->bitmap_set);
	seq_printf(s, "dirty_log: %s\n", !dev->log.active ? "off" :
		   dev->log.lost ? "imprecise" : "on");
	seq_printf(s, "mac: %pM\n", m->mac);
	seq_printf(s, "mailbox_flags: %#x\n", m->flags);
	show_counters(s, &dev->counters);
	show_arcs(s, dev);
	igbvfio_unlock_regs(dev);
	igbvfio_unlock_state(dev);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static ssize_t last_stream_read(struct file *filp, char __user *buf,
				size_t count, loff_t *pos)
{
	struct igbvfio_device *dev = filp->private_data;
	ssize_t ret;

	igbvfio_lock_state(dev);
	ret = simple_read_from_buffer(buf, count, pos, dev->last_stream,
				      dev->last_stream_size);
	igbvfio_unlock_state(dev);
	return ret;
}

static const struct file_operations last_stream_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = last_stream_read,
	.llseek = default_llseek,
};

/** igbvfio_debugfs_init() - once for the module */
void igbvfio_debugfs_init(void)
{
	root = debugfs_create_dir(KBUILD_MODNAME, NULL);
}

/** igbvfio_debugfs_exit() - once for the module */
void igbvfio_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}

/** igbvfio_debugfs_add() - the device is registered */
void igbvfio_debugfs_add(struct igbvfio_device *dev)
{
	dev->debugfs = debugfs_create_dir(pci_name(dev->core.pdev), root);
	debugfs_create_file("status", 0400, dev->debugfs, dev, &status_fops);
	debugfs_create_file("last_stream", 0400, dev->debugfs, dev,
			    &last_stream_fops);
}

/** igbvfio_debugfs_remove() - the device is about to go; waits for readers */
void igbvfio_debugfs_remove(struct igbvfio_device *dev)
{
	debugfs_remove_recursive(dev->debugfs);
}
