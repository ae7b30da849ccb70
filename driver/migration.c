// SPDX-License-Identifier: GPL-2.0-only
/*
 * The migration state machine and its files: include/uapi/linux/vfio.h,
 * "enum vfio_device_mig_state".
 *
 * The queues stop on the way to a P2P state and start on the way back, since a
 * device without queues initiates no DMA at all; STOP then adds nothing. The
 * device's state is read when STOP_COPY is entered. What comes earlier, in
 * PRE_COPY, is the identity, so that a destination of another kind or with a PF
 * that is down says no before the guest stops. A destination loads as soon as
 * the last section has arrived, inside write(), so that whatever its PF refuses
 * fails the migration while the source can still go on.
 */
#include "igbvfio.h"
#include "trace.h"

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>

/**
 * struct igbvfio_migf - one data transfer session; under dev->state_mutex
 * @filp: the file, a reference of the device's own while it is in use
 * @dev: device; holds a reference, for the file may outlive its device
 * @disabled: the session is over
 * @error: what refused the stream; every later write() gives it again
 * @complete: saving: no more data will be added
 * @length: bytes in @data
 * @pos: saving: bytes read
 * @reader: resuming: progress
 * @data: the stream
 */
struct igbvfio_migf {
	struct file *filp;
	struct igbvfio_device *dev;
	bool disabled;
	int error;
	bool complete;
	size_t length;
	size_t pos;
	struct igbvf_stream_reader reader;
	u8 data[IGBVF_STATE_MAX_SIZE];
};

static const char * const state_names[IGBVFIO_STATES] = {
	[VFIO_DEVICE_STATE_ERROR] = "ERROR",
	[VFIO_DEVICE_STATE_STOP] = "STOP",
	[VFIO_DEVICE_STATE_RUNNING] = "RUNNING",
	[VFIO_DEVICE_STATE_STOP_COPY] = "STOP_COPY",
	[VFIO_DEVICE_STATE_RESUMING] = "RESUMING",
	[VFIO_DEVICE_STATE_RUNNING_P2P] = "RUNNING_P2P",
	[VFIO_DEVICE_STATE_PRE_COPY] = "PRE_COPY",
	[VFIO_DEVICE_STATE_PRE_COPY_P2P] = "PRE_COPY_P2P",
};

/** igbvfio_state_name() - name of a state as in the uapi header */
const char *igbvfio_state_name(enum vfio_device_mig_state state)
{
	return state < IGBVFIO_STATES ? state_names[state] : "?";
}

/* For the driver's own work on the device, as against the guest's accesses. */
static void lock_device(struct igbvfio_device *dev)
{
	igbvfio_lock_regs(dev);
	igbvfio_enable_memory(dev);
}

/* Sessions */

static void end_session(struct igbvfio_migf **slot)
{
	struct igbvfio_migf *migf = *slot;

	if (!migf)
		return;
	*slot = NULL;
	migf->disabled = true;
	fput(migf->filp);
}

static void end_sessions(struct igbvfio_device *dev)
{
	end_session(&dev->saving);
	end_session(&dev->resuming);
}

/** igbvfio_lock_state() - take state_mutex */
void igbvfio_lock_state(struct igbvfio_device *dev)
{
	mutex_lock(&dev->state_mutex);
}

/**
 * igbvfio_unlock_state() - drop state_mutex
 * @dev: device
 *
 * Acts on a reset or an error that came while the mutex was held. reset_lock is
 * held across the unlock: one that comes later finds the mutex free.
 */
void igbvfio_unlock_state(struct igbvfio_device *dev)
{
	for (;;) {
		spin_lock(&dev->reset_lock);
		if (!dev->deferred_reset && !dev->deferred_error)
			break;
		/* A reset takes an earlier error back: both means error last. */
		dev->mig_state = dev->deferred_error ?
				 VFIO_DEVICE_STATE_ERROR :
				 VFIO_DEVICE_STATE_RUNNING;
		dev->deferred_reset = false;
		dev->deferred_error = false;
		spin_unlock(&dev->reset_lock);
		end_sessions(dev);
	}
	mutex_unlock(&dev->state_mutex);
	spin_unlock(&dev->reset_lock);
}

/**
 * igbvfio_migration_reset() - the device was reset
 * @dev: device
 *
 * Called with memory_lock held for write, maybe on behalf of a thread that
 * holds state_mutex further up: leave the work to whoever drops it.
 */
void igbvfio_migration_reset(struct igbvfio_device *dev)
{
	spin_lock(&dev->reset_lock);
	dev->regs_reset = true;
	dev->deferred_reset = true;
	dev->deferred_error = false;
	if (!mutex_trylock(&dev->state_mutex)) {
		spin_unlock(&dev->reset_lock);
		return;
	}
	spin_unlock(&dev->reset_lock);
	igbvfio_unlock_state(dev);
}

/** igbvfio_migration_error() - an error that only a reset mends, as the bus reports */
void igbvfio_migration_error(struct igbvfio_device *dev)
{
	spin_lock(&dev->reset_lock);
	dev->deferred_error = true;
	if (!mutex_trylock(&dev->state_mutex)) {
		spin_unlock(&dev->reset_lock);
		return;
	}
	spin_unlock(&dev->reset_lock);
	igbvfio_unlock_state(dev);
}

static int release(struct inode *inode, struct file *filp)
{
	struct igbvfio_migf *migf = filp->private_data;

	put_device(&migf->dev->core.vdev.device);
	kvfree(migf);
	return 0;
}

static struct igbvfio_migf *open_session(struct igbvfio_device *dev,
					 const struct file_operations *fops,
					 int flags)
{
	struct igbvfio_migf *migf;

	migf = kvzalloc_obj(*migf, GFP_KERNEL_ACCOUNT);
	if (!migf)
		return ERR_PTR(-ENOMEM);
	migf->filp = anon_inode_getfile("igbvfio_mig", fops, migf, flags);
	if (IS_ERR(migf->filp)) {
		int ret = PTR_ERR(migf->filp);

		kvfree(migf);
		return ERR_PTR(ret);
	}
	stream_open(migf->filp->f_inode, migf->filp);
	get_device(&dev->core.vdev.device);
	migf->dev = dev;
	return migf;
}

static void keep_stream(struct igbvfio_device *dev, const struct igbvfio_migf *migf)
{
	memcpy(dev->last_stream, migf->data, migf->length);
	dev->last_stream_size = migf->length;
	dev->counters.stream_bytes = migf->length;
}

/* Saving */

static ssize_t save_read(struct file *filp, char __user *buf, size_t count,
			 loff_t *pos)
{
	struct igbvfio_migf *migf = filp->private_data;
	struct igbvfio_device *dev = migf->dev;
	ssize_t ret;

	if (pos)
		return -ESPIPE;
	igbvfio_lock_state(dev);
	if (migf->disabled) {
		ret = -ENODEV;
		goto unlock;
	}
	/* PRE_COPY has nothing more for now; the rest comes with STOP_COPY. */
	if (migf->pos == migf->length && !migf->complete) {
		ret = -ENOMSG;
		goto unlock;
	}
	ret = min(count, migf->length - migf->pos);
	if (copy_to_user(buf, migf->data + migf->pos, ret))
		ret = -EFAULT;
	else
		migf->pos += ret;
unlock:
	igbvfio_unlock_state(dev);
	return ret;
}

static long save_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct igbvfio_migf *migf = filp->private_data;
	struct igbvfio_device *dev = migf->dev;
	struct vfio_precopy_info info = {};
	unsigned long minsz = offsetofend(struct vfio_precopy_info, dirty_bytes);
	long ret;

	ret = vfio_check_precopy_ioctl(&dev->core.vdev, cmd, arg, &info);
	if (ret)
		return ret;
	igbvfio_lock_state(dev);
	if (migf->disabled) {
		ret = -ENODEV;
	} else if (dev->mig_state != VFIO_DEVICE_STATE_PRE_COPY &&
		   dev->mig_state != VFIO_DEVICE_STATE_PRE_COPY_P2P) {
		ret = -EINVAL;
	} else {
		info.initial_bytes = migf->length - migf->pos;
		info.dirty_bytes = 0;
	}
	igbvfio_unlock_state(dev);
	if (ret)
		return ret;
	return copy_to_user((void __user *)arg, &info, minsz) ? -EFAULT : 0;
}

static const struct file_operations save_fops = {
	.owner = THIS_MODULE,
	.read = save_read,
	.unlocked_ioctl = save_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = release,
};

static struct igbvfio_migf *begin_save(struct igbvfio_device *dev)
{
	struct igbvfio_migf *migf;
	int length;

	migf = open_session(dev, &save_fops, O_RDONLY);
	if (IS_ERR(migf))
		return migf;
	length = igbvf_stream_write_ident(&dev->ident, migf->data,
					  sizeof(migf->data));
	if (WARN_ON_ONCE(length < 0)) {
		fput(migf->filp);
		return ERR_PTR(length);
	}
	migf->length = length;
	return migf;
}

/* Adds the rest of the stream; what was there already stays as it is. */
static int finish_save(struct igbvfio_device *dev, struct igbvfio_migf *migf)
{
	struct igbvf_state *state;
	const char *why = NULL;
	int ret;

	state = kzalloc_obj(*state, GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	lock_device(dev);
	if (dev->quiesced)
		igbvfio_save(dev, state);
	ret = dev->quiesced ? 0 : -EIO;
	igbvfio_unlock_regs(dev);
	if (ret)
		goto free;

	/* Better to fail here than at the destination: the guest goes on. */
	ret = igbvf_state_check(state, &why);
	if (ret) {
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: the guest left its VF in a state that cannot be moved: %s\n",
				    why);
		goto free;
	}
	ret = igbvf_stream_write(state, migf->data, sizeof(migf->data));
	if (ret < 0)
		goto free;
	migf->length = ret;
	migf->complete = true;
	keep_stream(dev, migf);
	dev->counters.streams_saved++;
	ret = 0;
free:
	kfree(state);
	return ret;
}

/* Resuming */

static int load_stream(struct igbvfio_device *dev, struct igbvfio_migf *migf)
{
	ktime_t start = ktime_get();
	int ret;

	lock_device(dev);
	ret = igbvfio_load(dev, &migf->reader.state);
	dev->counters.load_ns = ktime_to_ns(ktime_sub(ktime_get(), start));
	igbvfio_unlock_regs(dev);
	if (ret)
		return ret;
	migf->complete = true;
	keep_stream(dev, migf);
	dev->counters.streams_loaded++;
	return 0;
}

/* New bytes have arrived: look at them, and act once they are enough. */
static int consume(struct igbvfio_device *dev, struct igbvfio_migf *migf)
{
	bool had_ident = migf->reader.have_ident;
	int ret;

	ret = igbvf_stream_read(&migf->reader, migf->data, migf->length);
	if (ret) {
		dev->counters.streams_refused++;
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: stream refused at byte %zu: %s\n",
				    migf->reader.offset, migf->reader.why);
		return ret;
	}
	if (migf->reader.complete && !migf->complete)
		return load_stream(dev, migf);
	if (migf->reader.have_ident && !had_ident) {
		lock_device(dev);
		ret = dev->quiesced ? igbvfio_mailbox_prepare(dev) : -EIO;
		igbvfio_unlock_regs(dev);
	}
	return ret;
}

static ssize_t resume_write(struct file *filp, const char __user *buf,
			    size_t count, loff_t *pos)
{
	struct igbvfio_migf *migf = filp->private_data;
	struct igbvfio_device *dev = migf->dev;
	ssize_t ret;

	if (pos)
		return -ESPIPE;
	igbvfio_lock_state(dev);
	if (migf->disabled) {
		ret = -ENODEV;
		goto unlock;
	}
	ret = migf->error;
	if (ret || !count)
		goto unlock;
	if (count > sizeof(migf->data) - migf->length) {
		migf->error = -EINVAL;
		dev->counters.streams_refused++;
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: stream refused: longer than a stream can be\n");
		ret = migf->error;
		goto unlock;
	}
	if (copy_from_user(migf->data + migf->length, buf, count)) {
		ret = -EFAULT;
		goto unlock;
	}
	migf->length += count;
	migf->error = consume(dev, migf);
	ret = migf->error ?: (ssize_t)count;
unlock:
	igbvfio_unlock_state(dev);
	return ret;
}

static const struct file_operations resume_fops = {
	.owner = THIS_MODULE,
	.write = resume_write,
	.release = release,
};

static struct igbvfio_migf *begin_resume(struct igbvfio_device *dev)
{
	struct igbvfio_migf *migf = open_session(dev, &resume_fops, O_WRONLY);

	if (!IS_ERR(migf))
		igbvf_stream_reader_init(&migf->reader, &dev->ident);
	return migf;
}

/* Arcs */

static int stop_dma(struct igbvfio_device *dev)
{
	int ret;

	lock_device(dev);
	ret = igbvfio_quiesce(dev);
	igbvfio_unlock_regs(dev);
	return ret;
}

static int start_dma(struct igbvfio_device *dev)
{
	int ret;

	lock_device(dev);
	ret = igbvfio_run(dev);
	igbvfio_unlock_regs(dev);
	if (!ret)
		return 0;
	/* Some queues may be on: no state but ERROR is true, unless a reset came
	 * in between. It comes when state_mutex is dropped.
	 */
	spin_lock(&dev->reset_lock);
	if (!dev->deferred_reset)
		dev->deferred_error = true;
	spin_unlock(&dev->reset_lock);
	return ret;
}

/* A session's file goes to the user; the device keeps a reference. */
static struct file *hand_out(struct igbvfio_migf **slot,
			     struct igbvfio_migf *migf)
{
	*slot = migf;
	get_file(migf->filp);
	return migf->filp;
}

static struct file *arc_stop_to_stop_copy(struct igbvfio_device *dev)
{
	struct igbvfio_migf *migf = begin_save(dev);
	int ret;

	if (IS_ERR(migf))
		return ERR_CAST(migf);
	ret = finish_save(dev, migf);
	if (ret) {
		fput(migf->filp);
		return ERR_PTR(ret);
	}
	return hand_out(&dev->saving, migf);
}

static struct file *arc_to_pre_copy(struct igbvfio_device *dev)
{
	struct igbvfio_migf *migf = begin_save(dev);

	return IS_ERR(migf) ? ERR_CAST(migf) : hand_out(&dev->saving, migf);
}

static struct file *arc_to_resuming(struct igbvfio_device *dev)
{
	struct igbvfio_migf *migf = begin_resume(dev);

	return IS_ERR(migf) ? ERR_CAST(migf) : hand_out(&dev->resuming, migf);
}

static int arc_resuming_to_stop(struct igbvfio_device *dev)
{
	if (dev->resuming->error)
		return dev->resuming->error;
	if (!dev->resuming->complete) {
		dev_err_ratelimited(&dev->core.pdev->dev,
				    "migration: the stream is not complete\n");
		return -EINVAL;
	}
	end_session(&dev->resuming);
	return 0;
}

#define ARC(from, to)	((from) * IGBVFIO_STATES + (to))

/* One arc that the core asks for. Return: a file to hand out, NULL or an error. */
static struct file *step(struct igbvfio_device *dev,
			 enum vfio_device_mig_state to)
{
	switch (ARC(dev->mig_state, to)) {
	case ARC(VFIO_DEVICE_STATE_RUNNING, VFIO_DEVICE_STATE_RUNNING_P2P):
	case ARC(VFIO_DEVICE_STATE_PRE_COPY, VFIO_DEVICE_STATE_PRE_COPY_P2P):
		return ERR_PTR(stop_dma(dev));
	case ARC(VFIO_DEVICE_STATE_RUNNING_P2P, VFIO_DEVICE_STATE_RUNNING):
	case ARC(VFIO_DEVICE_STATE_PRE_COPY_P2P, VFIO_DEVICE_STATE_PRE_COPY):
		return ERR_PTR(start_dma(dev));
	case ARC(VFIO_DEVICE_STATE_RUNNING_P2P, VFIO_DEVICE_STATE_STOP):
	case ARC(VFIO_DEVICE_STATE_STOP, VFIO_DEVICE_STATE_RUNNING_P2P):
		return NULL;
	case ARC(VFIO_DEVICE_STATE_RUNNING, VFIO_DEVICE_STATE_PRE_COPY):
	case ARC(VFIO_DEVICE_STATE_RUNNING_P2P, VFIO_DEVICE_STATE_PRE_COPY_P2P):
		return arc_to_pre_copy(dev);
	case ARC(VFIO_DEVICE_STATE_PRE_COPY_P2P, VFIO_DEVICE_STATE_STOP_COPY):
		return ERR_PTR(finish_save(dev, dev->saving));
	case ARC(VFIO_DEVICE_STATE_PRE_COPY, VFIO_DEVICE_STATE_RUNNING):
	case ARC(VFIO_DEVICE_STATE_PRE_COPY_P2P, VFIO_DEVICE_STATE_RUNNING_P2P):
	case ARC(VFIO_DEVICE_STATE_STOP_COPY, VFIO_DEVICE_STATE_STOP):
		end_session(&dev->saving);
		return NULL;
	case ARC(VFIO_DEVICE_STATE_STOP, VFIO_DEVICE_STATE_STOP_COPY):
		return arc_stop_to_stop_copy(dev);
	case ARC(VFIO_DEVICE_STATE_STOP, VFIO_DEVICE_STATE_RESUMING):
		return arc_to_resuming(dev);
	case ARC(VFIO_DEVICE_STATE_RESUMING, VFIO_DEVICE_STATE_STOP):
		return ERR_PTR(arc_resuming_to_stop(dev));
	}
	/* vfio_mig_get_next_state() takes no other way. */
	WARN_ON_ONCE(true);
	return ERR_PTR(-EINVAL);
}

static struct file *timed_step(struct igbvfio_device *dev,
			       enum vfio_device_mig_state to)
{
	enum vfio_device_mig_state from = dev->mig_state;
	struct igbvfio_arc *arc = &dev->arcs[from][to];
	ktime_t start = ktime_get();
	struct file *filp = step(dev, to);
	u64 ns = ktime_to_ns(ktime_sub(ktime_get(), start));

	arc->count++;
	arc->last_ns = ns;
	arc->max_ns = max(arc->max_ns, ns);
	trace_igbvfio_arc(&dev->core.pdev->dev, from, to,
			  IS_ERR(filp) ? PTR_ERR(filp) : 0, ns);
	return filp;
}

static struct file *set_state(struct vfio_device *core_vdev,
			      enum vfio_device_mig_state new_state)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);
	enum vfio_device_mig_state next;
	struct file *filp = NULL;
	int ret;

	igbvfio_lock_state(dev);
	/* Only a reset leaves ERROR, and the core warns of whoever asks it for
	 * another way.
	 */
	if (dev->mig_state == VFIO_DEVICE_STATE_ERROR)
		filp = ERR_PTR(-EINVAL);
	while (!IS_ERR(filp) && dev->mig_state != new_state) {
		ret = vfio_mig_get_next_state(core_vdev, dev->mig_state,
					      new_state, &next);
		if (ret) {
			filp = ERR_PTR(ret);
			break;
		}
		filp = timed_step(dev, next);
		if (IS_ERR(filp))
			break;
		dev->mig_state = next;
		/* Only the last arc of a combination can open a file. */
		if (WARN_ON(filp && next != new_state)) {
			fput(filp);
			filp = ERR_PTR(-EINVAL);
			break;
		}
	}
	igbvfio_unlock_state(dev);
	return filp;
}

static int get_state(struct vfio_device *core_vdev,
		     enum vfio_device_mig_state *state)
{
	struct igbvfio_device *dev = to_igbvfio(core_vdev);

	igbvfio_lock_state(dev);
	*state = dev->mig_state;
	igbvfio_unlock_state(dev);
	return 0;
}

#ifdef IGBVFIO_HAVE_DATA_SIZE
static int get_data_size(struct vfio_device *core_vdev,
			 unsigned long *stop_copy_length)
{
	*stop_copy_length = igbvf_stream_size(&to_igbvfio(core_vdev)->ident);
	return 0;
}
#endif

const struct vfio_migration_ops igbvfio_migration_ops = {
	.migration_set_state = set_state,
	.migration_get_state = get_state,
#ifdef IGBVFIO_HAVE_DATA_SIZE
	.migration_get_data_size = get_data_size,
#endif
};

/** igbvfio_migration_init() - once, before the device is registered */
void igbvfio_migration_init(struct igbvfio_device *dev)
{
	mutex_init(&dev->state_mutex);
	mutex_init(&dev->regs_lock);
	spin_lock_init(&dev->reset_lock);
	dev->mig_state = VFIO_DEVICE_STATE_RUNNING;
}

/**
 * igbvfio_migration_close() - the user has gone
 * @dev: device
 *
 * The files may live on; without this they would pin the module for ever.
 */
void igbvfio_migration_close(struct igbvfio_device *dev)
{
	igbvfio_lock_state(dev);
	end_sessions(dev);
	dev->mig_state = VFIO_DEVICE_STATE_RUNNING;
	igbvfio_lock_regs(dev);
	igbvfio_dirty_stop(dev);
	dev->quiesced = false;
	igbvfio_unlock_regs(dev);
	igbvfio_unlock_state(dev);
}
