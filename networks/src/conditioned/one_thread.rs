//! Modules that no two threads may hold.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use candle_core::{DType, Device, Error, Result, Tensor};

use crate::modules::{Conditions, TensorNetwork};

/// What a thread is asked: a state, its times, what the network is told, and where the answer goes.
struct Question {
    x: Tensor,
    t: Tensor,
    conditions: Conditions,
    answer: mpsc::SyncSender<Result<Tensor>>,
}

/// A module that is neither `Send` nor `Sync`, such as candle's transformer of Stable Diffusion 3,
/// which holds boxed modules: it is made on a thread of its own and asked there, one evaluation after
/// another. Tensors, with their graphs, go from thread to thread; the thread ends with this.
///
/// ```
/// use std::rc::Rc;
/// use candle_core::{DType, Device, Tensor};
/// use driftfield_networks::modules::{Conditions, TensorNetwork};
/// use driftfield_networks::OneThread;
///
/// let network = OneThread::start(DType::F32, Device::Cpu, || {
///     let scale = Rc::new(2.0);
///     Ok(move |x: &Tensor, _: &Tensor, _: &Conditions| x.affine(*scale, 0.0))
/// })?;
/// let (x, t) = (Tensor::new(&[[3f32]], &Device::Cpu)?, Tensor::new(&[0f32], &Device::Cpu)?);
/// assert_eq!(network.forward(&x, &t, &Conditions::default())?.to_vec2::<f32>()?, [[6.0]]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug)]
pub struct OneThread {
    dtype: DType,
    device: Device,
    questions: Mutex<mpsc::Sender<Question>>,
}

impl OneThread {
    /// The function that `make` makes, there.
    ///
    /// # Errors
    ///
    /// Those of `make`.
    pub fn start<F>(
        dtype: DType,
        device: Device,
        make: impl FnOnce() -> Result<F> + Send + 'static,
    ) -> Result<Self>
    where
        F: Fn(&Tensor, &Tensor, &Conditions) -> Result<Tensor>,
    {
        let (questions, asked) = mpsc::channel::<Question>();
        let (ready, made) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let function = match make() {
                Ok(function) => function,
                Err(error) => return drop(ready.send(Err(error))),
            };
            // Whoever does not wait for an answer has no use for it.
            let _ = ready.send(Ok(()));
            for Question { x, t, conditions, answer } in asked {
                let _ = answer.send(function(&x, &t, &conditions));
            }
        });
        made.recv().map_err(|_| ended())??;
        Ok(OneThread { dtype, device, questions: Mutex::new(questions) })
    }
}

/// The thread is gone, which it is after a panic of the module.
fn ended() -> Error {
    Error::msg("the module panicked on its thread; its message is above, load it again")
}

impl TensorNetwork for OneThread {
    fn forward(&self, x: &Tensor, t: &Tensor, conditions: &Conditions) -> Result<Tensor> {
        let (answer, answered) = mpsc::sync_channel(1);
        let (x, t, conditions) = (x.clone(), t.clone(), conditions.clone());
        let questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        questions.send(Question { x, t, conditions, answer }).map_err(|_| ended())?;
        drop(questions);
        answered.recv().map_err(|_| ended())?
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
